"""Every command of charrnn on a run and a text, with the exit codes that are documented for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from fuzzing.process import Ended
from fuzzing.runner import Command

RAW_OUTPUT = {"sample", "prime", "novelty", "export to stdout"}  # what they write is no message
SETTINGS = [
    "model.cell=lstm", "model.hidden_size=16", "model.num_layers=1", "runtime.kernels=numpy",
    "runtime.threads=1", "bptt.k1=8", "bptt.k2=8", "train.batch_size=8", "train.sample_length=20",
    "train.eval_every=3", "train.checkpoint_every=3", "train.log_every=1", "train.keep=2",
    "train.epochs=null",
]  # fmt: skip
STEPS = 6
SWEEP = "sweep.yaml"
SETS = [f"--set={item}" for item in SETTINGS]


def every(
    run: str, texts: Sequence[str], text: str, *, new: str = "new", sweep: str = "sweep",
    out: str = "out.it",
) -> list[Command]:  # fmt: skip
    """`texts`: patterns of the training text; `text`: a file of it; `new`, `sweep`, `out`: what
    is written.
    """
    sets = ["-q", "--steps", "2", *SETS]
    named = [f"--text={name}" for name in texts]
    of_run, of_text, training = {0, 4, 6}, {0, 2, 3, 4, 6}, {0, 2, 3, 4, 5, 6}
    return [
        Command("inspect", ["inspect", run], of_run),
        Command("sample", ["sample", run, "--length", "20", "--seed", "1"], of_run),
        Command("sample last", ["sample", run, "--checkpoint", "last", "--length", "9"], of_run),
        Command(
            "prime", ["sample", run, "--prime-file", f"{run}/samples.txt", "--length=9"], of_text
        ),
        Command("eval", ["eval", run], of_text),
        Command("score", ["score", run, text, "--per", "file"], of_text),
        Command("report", ["report", run], of_text),
        Command("gradcheck", ["gradcheck", run], of_text),
        Command("gradflow", ["gradflow", run, "--lags", "4", "--positions", "2"], of_text),
        Command("export", ["export", run, "--to", "torch", f"--out={out}"], of_run),
        Command("export to stdout", ["export", run, "--to", "torch", "--out", "-"], of_run),
        Command("resume", ["train", "--resume", run, "--steps", "9", "-q"], training),
        Command("init", ["train", *named, "--init-from", run, f"--out={new}", *sets], training),
        Command("train", ["train", *named, f"--out={new}", *sets], training),
        Command("train into it", ["train", *named, f"--out={run}", *sets], training),
        Command("config", ["config", "check", f"{run}/config.yaml"], {0, 2}),
        Command("train by it", ["train", f"{run}/config.yaml", f"--out={new}", *sets], training),
        Command("sweep", ["sweep", SWEEP, f"--out={sweep}", "--jobs", "1"], training),
        Command("corpus", ["corpus", *texts], {0, 2, 3}),
        Command("runs", ["runs", str(Path(run).parent)], {0, 4}),
        Command("mix", ["mix", run, "--order", "3"], of_text),
        Command("novelty", ["sample", run, "--check-novelty", "--length=9"], of_text),
        Command("show", ["config", "show", f"{run}/config.yaml"], {0, 2}),
    ]


def problem(command: Command, ended: Ended) -> str | None:
    """What is wrong with how it ended."""
    if ended.code is None:
        return "hangs"
    if ended.code < 0:
        return f"killed by signal {-ended.code}"
    if "Traceback" in ended.err:
        return "a traceback"
    if ended.code not in command.allowed:
        return f"exit code {ended.code}, which is not one of {sorted(command.allowed)}"
    if ended.code and not ended.err.strip():
        return f"exit code {ended.code}, and not a word why"
    shown = ended.err if command.label in RAW_OUTPUT else ended.err + ended.out
    if raw := {character for character in shown if _controls_a_terminal(character)}:
        return f"raw control characters on the terminal: {sorted(map(ascii, raw))}"
    return None


def _controls_a_terminal(character: str) -> bool:
    if character in "\n\t":
        return False
    kinds = unicodedata.category(character), unicodedata.bidirectional(character)
    return kinds[0] == "Cc" or kinds[1] in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI",
                                            "FSI", "PDI"}  # fmt: skip
