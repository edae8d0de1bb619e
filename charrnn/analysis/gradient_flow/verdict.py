"""Whether gradients vanish, hold or explode on their way back, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from charrnn.analysis.gradient_flow.lags import Decay, Truncation
from charrnn.analysis.gradient_flow.saturation import Saturation
from charrnn.nn.cells.base import Cell

Array = NDArray[Any]
Kind = Literal["vanishes", "holds", "explodes"]
LEFT, GROWN = 1e-3, 10.0  # of an error at lag 1, by the fit, over the lags measured
CLOSE = 0.99  # cosine at which a truncated gradient points where the full one does
DEAD, FLAT = 0.2, 0.3  # shares worth a word: of units, of values


@dataclass(frozen=True)
class Verdict:
    """`k2`: from there on the truncated gradient's cosine to the full one, of U too, is 0.99."""

    kind: Kind
    why: str
    changes: tuple[str, ...]
    k2: int


def kind_of(decays: Sequence[Decay | None], max_lag: int) -> Kind:
    """By the slowest of a layer's decays (h, s), over the lags that were measured."""
    left = max((decay.left_after(max_lag - 1) for decay in decays if decay is not None), default=0)
    return "explodes" if left > GROWN else "vanishes" if left < LEFT else "holds"


def kind_of_all(kinds: Sequence[Kind]) -> Kind:
    """One layer that explodes is enough; to vanish, they must in all."""
    if "explodes" in kinds:
        return "explodes"
    return "vanishes" if set(kinds) == {"vanishes"} else "holds"


def enough(rows: Sequence[Truncation]) -> int:
    """The smallest k2 from which on no cosine is below 0.99, of all parameters or of the U.

    The output layer's gradient is the same for all k2, and can hide what the U lack.
    """
    k2 = rows[-1].k2
    for row in reversed(rows):
        if not (row.cosine >= CLOSE and row.cosine_U >= CLOSE):
            break
        k2 = row.k2
    return k2


def judge(
    cell: Cell, kinds: Sequence[Kind], decays: Sequence[Decay | None], bound: float | None,
    saturations: Sequence[Saturation], rows: Sequence[Truncation],
) -> Verdict:  # fmt: skip
    """`decays` and `saturations` are those of the top layer, `bound` its γ ‖U‖ or None."""
    kind, k2 = kind_of_all(kinds), enough(rows)
    slowest = max((d.rate for d in decays if d is not None), default=0.0)
    why = f"a gradient is multiplied by {slowest:.3g} a character in the top layer"
    if bound is not None:
        why += f", and by at most {bound:.3g}"
    flat = (saturations[-1].low or 0) + (saturations[-1].high or 0)
    if kind == "vanishes" and flat > FLAT:
        why += f"; {flat:.0%} of the values of {saturations[-1].block} are saturated"
    changes = {"vanishes": _revive, "explodes": _tame, "holds": _keep}[kind](
        cell, bound, saturations
    )
    return Verdict(kind, why, (*changes, _cut(k2, rows[-1].k2)), k2)


def _cut(k2: int, full: int) -> str:
    if k2 == full:
        return f"bptt.k2={full} or more: no shorter truncation gives nearly the same gradient"
    return f"bptt.k2={k2} is enough: the gradient's cosine to the full one is {CLOSE} or more"


def _revive(cell: Cell, bound: float | None, saturations: Sequence[Saturation]) -> list[str]:
    advice = cell.advice_on_vanishing({s.block: s.mean for s in saturations})
    return [*_revive_by_U(cell, bound, saturations), *advice]


def _revive_by_U(cell: Cell, bound: float | None, saturations: Sequence[Saturation]) -> list[str]:
    """What helps a cell that U alone carries through time."""
    if cell.bounding_activation is None:
        return []
    found = []
    dead = saturations[0].dead
    if cell.bounding_activation.name == "sigmoid":
        found.append("model.activation=tanh: σ' is at most 1/4, tanh' at most 1")
        if bound is not None and bound < 1:
            found.append("model.init.U.scale=4 with the scheme orthogonal: γ ‖U‖ is then 1")
    elif dead is not None and dead > DEAD:
        found.append(
            f"model.init.U.scheme=identity, or a lower optim.learning_rate: {dead:.0%} of the "
            "units are dead and pass nothing back"
        )
    elif bound is not None and bound < 1:
        found.append("model.init.U.scheme=orthogonal: γ ‖U‖ is then 1")
    return found


def _tame(cell: Cell, bound: float | None, saturations: Sequence[Saturation]) -> list[str]:
    found = ["optim.grad_clip=1: bounds the update, not the gradients", *cell.advice_on_exploding()]
    if bound is not None and bound > 1:
        found.append(
            f"model.init.U.scheme=orthogonal with a scale below 1: γ ‖U‖ is {bound:.3g} now"
        )
    return [*found, "a smaller bptt.k2: cuts off the steps in which errors grow"]


def _keep(cell: Cell, bound: float | None, saturations: Sequence[Saturation]) -> list[str]:
    return []
