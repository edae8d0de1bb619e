"""Format versions of a checkpoint, and the steps from each to the next.

| format | since | what changed |
|---|---|---|
| 1 | 0.1 | |
| 2 | 0.2 | `rate_scale` and `rollbacks`: what a run that diverged and went back has to remember |

A checkpoint of an older format is brought up to date in memory, one step at a time, after its
hash was verified; the file stays as it is. A new format is one more line here, one more function,
and a frozen file of the old one in tests/frozen/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

FORMAT = 2
Arrays = Mapping[str, NDArray[Any]]
Meta = dict[str, Any]
Step = Callable[[Arrays, Meta], tuple[Arrays, Meta]]


def _from_1(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    return arrays, {"rate_scale": 1.0, "rollbacks": 0, **meta}


STEPS: Mapping[int, Step] = {1: _from_1}


def migrate(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    """The same checkpoint in the newest format; `meta["format"]` is one that is known."""
    while meta["format"] != FORMAT:
        number = meta["format"]
        arrays, meta = STEPS[number](arrays, meta)
        meta = {**meta, "format": number + 1}
    return arrays, meta
