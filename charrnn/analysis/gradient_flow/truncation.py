"""What truncated BPTT leaves out: its gradient beside the one that goes all the way back.

BPTT(1, k2) of (BPTT.7): every loss's gradient goes back the same k2 steps. "Full" is back to the
beginning of the window that was measured, not of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.params import Params

Array = NDArray[Any]
LADDER = (1, 2, 5)  # k2 = 1, 2, 5, 10, 20, 50, …


@dataclass(frozen=True)
class Truncation:
    """The gradient truncated after k2 steps beside the full one, of all parameters and of the U.

    `cosine` is that of the angle between them, `norm_ratio` is truncated / full.
    """

    k2: int
    cosine: float
    norm_ratio: float
    cosine_U: float
    norm_ratio_U: float


def ladder(longest: int) -> list[int]:
    """1, 2, 5, 10, 20, … up to `longest`, which is the last."""
    steps = (m * 10**power for power in range(len(str(longest))) for m in LADDER)
    return [*(k for k in steps if k < longest), longest]


def keeping(
    sweep: Iterable[tuple[Array, Params]], k2s: Iterable[int], kept: dict[int, Params]
) -> Iterator[Array]:
    """The errors of `gradients_back`; on the way, copies of the gradients after k2 steps."""
    wanted = set(k2s)
    for lag, (e, grad) in enumerate(sweep):
        if lag in wanted:
            kept[lag] = grad.astype(grad.flat.dtype)
        yield e


def truncations(kept: Mapping[int, Params]) -> list[Truncation]:
    """Each of the gradients by k2 beside that with the largest, which is the full one."""
    full = kept[max(kept)]
    rows = []
    for k2, grad in sorted(kept.items()):
        whole, own = _beside(grad.flat, full.flat), _beside(_recurrent(grad), _recurrent(full))
        rows.append(Truncation(k2, *whole, *own))
    return rows


def _recurrent(grad: Params) -> Array:
    return np.concatenate([g.reshape(-1) for name, g in grad.items() if name.endswith(".U")])


def _beside(part: Array, full: Array) -> tuple[float, float]:
    """Cosine and ratio of norms; nan where a norm is 0 or not finite."""
    with np.errstate(all="ignore"):
        # Divided by the largest entry, an exploded gradient can still be squared.
        scale = np.abs(full).max(initial=0)
        part, full = part / scale, full / scale
        norm, full_norm = np.linalg.norm(part), np.linalg.norm(full)
        return float(part @ full / (norm * full_norm)), float(norm / full_norm)
