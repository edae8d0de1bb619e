"""Every command of charrnn on a run and a text, with the exit codes that are documented for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from fuzzing.process import Ended
from fuzzing.runner import Command

RAW_OUTPUT = {"sample", "prime", "export to stdout"}  # what they write is no message
SETTINGS = [
    "model.cell=lstm", "model.hidden_size=16", "model.num_layers=1", "runtime.kernels=numpy",
    "runtime.threads=1", "bptt.k1=8", "bptt.k2=8", "train.batch_size=8", "train.sample_length=20",
    "train.eval_every=3", "train.checkpoint_every=3", "train.log_every=1", "train.keep=2",
    "train.epochs=null",
]  # fmt: skip
STEPS = 6
SETS = [f"--set={item}" for item in SETTINGS]


def every(run: str, texts: Sequence[str], text: str, sweep: str, prime: str) -> list[Command]:
    """`texts`: the arguments that name the training text; `text`: one file of it."""
    new = ["--out", "new", "-q", "--steps", "2", *SETS]
    name_texts = [word for name in texts for word in ("--text", name)]
    run_codes, text_codes = {0, 4, 6}, {0, 2, 3, 4, 6}
    return [
        Command("inspect", ["inspect", run], run_codes),
        Command("sample", ["sample", run, "--length", "20", "--seed", "1"], run_codes),
        Command("sample last", ["sample", run, "--checkpoint", "last", "--length", "9"], run_codes),
        Command("prime", ["sample", run, "--prime-file", prime, "--length", "9"], text_codes),
        Command("eval", ["eval", run], text_codes),
        Command("score", ["score", run, text, "--per", "file"], text_codes),
        Command("report", ["report", run], text_codes),
        Command("gradcheck", ["gradcheck", run], text_codes),
        Command("gradflow", ["gradflow", run, "--lags", "4", "--positions", "2"], text_codes),
        Command("export", ["export", run, "--to", "torch", "--out", "out.it"], run_codes),
        Command("export to stdout", ["export", run, "--to", "torch", "--out", "-"], run_codes),
        Command("resume", ["train", "--resume", run, "--steps", "9", "-q"], text_codes | {5}),
        Command("init", ["train", *name_texts, "--init-from", run, *new], text_codes | {5}),
        Command("train", ["train", *name_texts, *new], text_codes | {5}),
        Command("train into it", ["train", *name_texts, *new, "--out", run], text_codes | {5}),
        Command("config", ["config", "check", f"{run}/config.yaml"], {0, 2}),
        Command("train by it", ["train", f"{run}/config.yaml", *new], text_codes | {5}),
        Command("sweep", ["sweep", sweep, "--out", "sweep", "--jobs", "1"], text_codes | {5}),
        Command("corpus", ["corpus", *texts], {0, 2, 3}),
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
