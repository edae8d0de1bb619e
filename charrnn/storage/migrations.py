"""Format versions of a checkpoint, and the steps from each to the next.

| format | since | what changed |
|---|---|---|
| 1 | 0.1 | |
| 2 | 0.2 | `rate_scale` and `rollbacks`: what a run that diverged and went back has to remember |
| 3 | 0.2 | `conventions`: which of the conventions below the run keeps to |

A checkpoint of an older format is brought up to date in memory, one step at a time, after its
hash was verified; the file stays as it is.

Conventions are what a configuration means in numbers. A run keeps those of the version that began
it, so that it goes on as that version would have:

| conventions | what is new |
|---|---|
| 1 | as the first version |
| 2 | dropout masks are drawn by each thread and rank for its streams |
| 3 | dropout masks do not depend on threads and ranks (`nn/dropout.py`), and the `step` schedule |
|   | first drops after `after` epochs, not after `after + every` (`training/optim/schedules.py`) |

 A new format is one more line here, one more function,
and a frozen file of the old one in tests/frozen/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

FORMAT = 3
CONVENTIONS = 3
Arrays = Mapping[str, NDArray[Any]]
Meta = dict[str, Any]
Step = Callable[[Arrays, Meta], tuple[Arrays, Meta]]


def _from_1(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    return arrays, {"rate_scale": 1.0, "rollbacks": 0, "conventions": 1, **meta}


def _from_2(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    return arrays, {"conventions": 2, **meta}


STEPS: Mapping[int, Step] = {1: _from_1, 2: _from_2}


def migrate(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    """The same checkpoint in the newest format; `meta["format"]` is one that is known."""
    while meta["format"] != FORMAT:
        number = meta["format"]
        arrays, meta = STEPS[number](arrays, meta)
        meta = {**meta, "format": number + 1}
    return arrays, meta
