"""The commands that are tried: each one, reading stdin and not, and with every exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TEXT = 'OWEN:\n  "I know," said the clerk, "and so is the letter."\n\n' * 30
TINY = [
    "--set=model.hidden_size=5", "--set=train.batch_size=4", "--set=bptt.k1=8", "--set=bptt.k2=8",
    "--set=train.sample_length=12", "--set=train.eval_every=4", "--set=runtime.kernels=numpy",
]  # fmt: skip
SWEEP = """base: {data: {text: [t.txt]}, train: {batch_size: 4}, runtime: {kernels: numpy}}
grid: {model.hidden_size: [4, 5]}
"""
OUT = "OUT"  # stands for a name that each trial has of its own


@dataclass(frozen=True)
class Case:
    """Arguments of `charrnn`, the exit code with good streams, and whether stdin is read."""

    arguments: tuple[str, ...]
    code: int = 0
    reads: bool = False

    @property
    def name(self) -> str:
        shown = [word for word in self.arguments if not word.startswith("--set=")]
        return " ".join(shown)

    @property
    def is_compared(self) -> bool:
        """Whether it trains a run; one of a text on stdin holds the name of its folder."""
        return (
            self.arguments[0] == "train" and OUT in self.arguments and not (self.code or self.reads)
        )


def _case(line: str, code: int = 0, *, tiny: bool = False, reads: bool = False) -> Case:
    return Case((*line.split(), *(TINY if tiny else ())), code, reads)


FIRST = _case("train --text t.txt --out r --steps 12", tiny=True)
CASES = [
    _case("--version"),
    _case("--help"),
    _case("sample --help"),
    _case("completion bash"),
    _case("nothing", 2),
    _case("train --text t.txt --out OUT --steps 12", tiny=True),
    _case("train --text t.txt --out OUT --steps 12 -v --format json", tiny=True),
    _case("train --text - --out OUT --steps 3", tiny=True, reads=True),
    _case("train --text missing.txt --out OUT", 3),
    _case("train --text t.txt --out OUT --set=model.cell=x", 2),
    _case("train --text t.txt --out OUT --steps 50 --set=optim.learning_rate=1e38 "
          "--set=optim.name=sgd --set=optim.grad_clip=null", 5, tiny=True),
    _case("sweep s.yaml --out OUT --steps 2 --jobs 2"),
    _case("sample r --length 30"),
    _case("sample r --length 900 --count 2 --seed 1"),
    _case("sample r --length 30 --prime-file -", reads=True),
    _case("sample r --prime O --probabilities 3"),
    _case("sample r --interactive", 2),
    _case("sample missing", 4),
    _case("gradcheck --set=model.hidden_size=4 --set=model.num_layers=1"),
    _case("gradcheck --set=model.hidden_size=4 --set=model.num_layers=1 --tolerance 1e-30", 1),
    _case("gradflow r --lags 5 --positions 4"),
    _case("eval r"),
    _case("score r t.txt --per char"),
    _case("score r", reads=True),
    _case("report r --out OUT.html"),
    _case("report r --out -"),
    _case("inspect r"),
    _case("inspect r r"),
    _case("runs missing", 4),
    _case("runs r --sort loss --format markdown"),
    _case("export r --to torch --out OUT.safetensors"),
    _case("corpus t.txt"),
    _case("corpus -", reads=True),
    _case("corpus t.txt missing.txt", 3),
    _case("config show"),
    _case("config schema"),
    _case("config check c.yaml", 2),
]  # fmt: skip


def prepare(folder: Path) -> None:
    """The files that the cases name, but for the run `r`, which FIRST makes."""
    (folder / "t.txt").write_text(TEXT, encoding="utf-8")
    (folder / "s.yaml").write_text(SWEEP, encoding="utf-8")
    (folder / "c.yaml").write_text("model: {cell: x}\n", encoding="utf-8")
