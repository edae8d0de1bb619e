"""Run the classical experiments over several seeds and print their tables as Markdown."""

from __future__ import annotations

import argparse

from experiments.brackets import DYCK
from experiments.counting import ANBN, ANBNCN
from experiments.embedded_reber import CONTINUAL, REBER
from experiments.tables import run

EXPERIMENTS = {
    "reber": [REBER],
    "continual": [CONTINUAL],
    "counting": [ANBN, ANBNCN],
    "dyck": [DYCK],
}


def main() -> None:
    """Run the command; tables on standard output, each result on standard error as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="?", choices=[*EXPERIMENTS, "all"], default="all")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1 on (default 5)")
    parser.add_argument(
        "--set", dest="sets", action="append", default=[], metavar="KEY=VALUE",
        help="change a key of every configuration, for example train.epochs=2; repeatable",
    )  # fmt: skip
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error("--seeds: at least 1")
    chosen = list(EXPERIMENTS) if args.which == "all" else [args.which]
    for name in chosen:
        for experiment in EXPERIMENTS[name]:
            print(run(experiment, range(1, args.seeds + 1), args.sets), flush=True)


if __name__ == "__main__":
    main()
