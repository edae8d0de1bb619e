"""Divergence: what is not finite, where it is, and what may help."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import DivergenceError
from charrnn.nn.params import Params
from charrnn.training.state import TrainingState, prefixed

Array = NDArray[Any]
DIVERGED = 1e4  # nats per character that no model recovers from
USUAL_CLIP = 5.0
EARLY = 200  # steps in which a warm-up would have helped
RECENT = 100  # steps whose gradient norms are the usual ones
# What is not finite is looked for where it matters; NumPy need not say so too.
QUIET = np.errstate(over="ignore", invalid="ignore", divide="ignore")


class DivergedError(DivergenceError):
    """Raised in the step that diverged.

    `by_update`: the parameters were good, and the update at this learning rate was too long.
    Otherwise the parameters as they stand give no finite loss and gradient, at any rate.
    """

    def __init__(self, what: str, *, then: str, by_update: bool = False) -> None:
        super().__init__(what, then=then)
        self.by_update = by_update


class DivergenceCheck:
    """Looks for what is not finite in every update; `norms` are those of the gradient in the last.

    Its methods raise DivergedError, with what may help.
    """

    def __init__(self, config: Mapping[str, Any], state: TrainingState) -> None:
        self._config, self._state = config, state
        self.norms: deque[float] = deque(maxlen=RECENT)

    def check_gradient(
        self, loss: float, g_norm: float, grad: Params, carried: Array, *, all_finite: bool
    ) -> None:
        """The loss and the gradient; `all_finite`: whether the states of all ranks are."""
        if not (is_plausible(loss) and isfinite(g_norm) and all_finite):
            raise self.error(
                f"the loss is {loss:.3g} nats per character and the gradient's norm {g_norm:.3g}",
                first_not_finite({**prefixed("the gradient of ", grad), "the state": carried}),
            )

    def update_error(self, rate: float) -> DivergedError:
        """A finite gradient can still be too long a step, or too large to be squared."""
        params = self._state.network.params
        if (bad := first_not_finite(params)) is not None:
            overflowed = f"the update at rate {rate:.3g} overflowed the parameters"
            return self.error(overflowed, bad, by_update=True)
        slots: dict[str, Array] = {}
        for name, slot in self._state.optimiser.slots.items():
            slots |= prefixed(f"optim.{name} of ", params.over(slot))
        return self.error("the update overflowed the optimiser", first_not_finite(slots))

    def check_validation(self, loss: float) -> None:
        """The loss on the validation part, in nats per character."""
        if not is_plausible(loss):
            raise self.error(f"the validation loss before it is {loss:.3g}", None)

    def error(
        self, happened: str, first_bad: str | None, *, by_update: bool = False
    ) -> DivergedError:
        """The error of the step in progress."""
        step, high_rate = self._state.step + 1, self._state.optimiser.high_rate
        tries = remedies(self._config, step, self.norms, high_rate=high_rate)
        return DivergedError(
            describe(f"diverged at step {step:,}: {happened}", self.norms, first_bad),
            then="try: " + "\n   or: ".join(tries),
            by_update=by_update,
        )


def is_plausible(loss: float) -> bool:
    """Whether a loss in nats per character is one that a model can have."""
    return isfinite(loss) and loss < DIVERGED


def first_not_finite(arrays: Mapping[str, Array]) -> str | None:
    """The first element that is not finite, as `layers.0.U[3, 17] is nan`; None if all are."""
    for name, array in arrays.items():
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            return f"{name}[{', '.join(map(str, index))}] is {array[index]}"
    return None


def describe(happened: str, norms: Sequence[float], first_bad: str | None) -> str:
    """What happened, the first bad element, and how the gradient's norm stood before."""
    lines = [happened]
    if first_bad is not None:
        lines.append(f"the first element that is not finite: {first_bad}")
    if norms:
        lines.append(
            f"the gradient's norm was {norms[-1]:.3g} in the step before; median "
            f"{median(norms):.3g} over the last {len(norms)}"
        )
    return "\n  ".join(lines)


def remedies(
    config: Mapping[str, Any], step: int, norms: Sequence[float] = (), *, high_rate: float = inf
) -> list[str]:
    """What to try with this configuration, the likeliest first.

    `step` is the one that failed, `norms` the gradient's in those before it; a rate above
    `high_rate` is high for the optimiser.
    """
    optim, model = config["optim"], config["model"]
    found = []
    rate, name = optim["learning_rate"], optim["name"]
    if rate > high_rate:
        found.append(f"lower optim.learning_rate: {rate:g} is high for {name}")
    else:
        found.append(f"lower optim.learning_rate, which is {rate:g}")
    if optim["grad_clip"] is None:
        # A clip at the usual threshold would have changed nothing where the norm was below it.
        place = 0 if norms and norms[-1] > USUAL_CLIP else 1
        found.insert(place, f"clip the gradient, which is off: optim.grad_clip={USUAL_CLIP:g}")
    if config["train"]["loss_reduction"] == "sum":
        found.append("train.loss_reduction=mean: a sum grows with the window, and its gradient too")
    if model["activation"] == "relu":  # which only the RNN can have
        found.append(
            "nothing bounds a relu RNN: model.init.U.scheme=identity with a scale below 1, or "
            "model.activation=tanh"
        )
    if step <= EARLY and not optim["schedule"]["warmup_steps"]:
        found.append("let the rate rise at the beginning: optim.schedule.warmup_steps=100")
    if optim["grad_clip"] is not None:
        found.append(f"lower optim.grad_clip, which is {optim['grad_clip']:g}")
    return found
