"""Made-up names for the lines mode: as long as people's names are, of 26 letters."""

from __future__ import annotations

import numpy as np
from measuring import Spec

GROUPS = 30  # updates of an epoch
MEAN, SPREAD, SHORTEST, LONGEST = 6.2, 1.6, 2, 14


def names(spec: Spec) -> list[str]:
    """Of an epoch, B for each update."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(MEAN, SPREAD, GROUPS * spec["B"])
    lengths = np.clip(drawn.round().astype(int), SHORTEST, LONGEST)
    return ["".join(map(chr, rng.integers(97, 123, length))) for length in lengths]


def characters(spec: Spec) -> int:
    """Those that an epoch learns: the names', and the end of each."""
    return sum(len(name) + 1 for name in names(spec))
