"""Gradients proved: backward against the derivative of the textbook in `reference`.

The *complex step* (Squire & Trapp 1998): for an analytic function, Im F(θ + iε) / ε is F'(θ) to
rounding, with no difference taken, at ε = 1e-30. *Central differences* take the real function at
θ ± ε and θ ± 2ε, with an error of order ε⁴. Both perturb one element at a time; elements of one
array are done side by side, along an axis of their own that the reference broadcasts.

What is claimed, and checked: the derivative of the summed loss of the given batches, with the
initial state of each held constant (truncated BPTT), and the derivative by the first one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.gradcheck.reference.network import ReferenceNetwork
from charrnn.nn import bptt
from charrnn.nn.dropout import apply_weight_dropout
from charrnn.nn.network import Network
from charrnn.runtime.progress import Done, working

Array = NDArray[Any]
Method = Literal["complex-step", "central-difference"]

Function = Callable[[Array], Array]
Entries = NDArray[np.int64]

# A difference across a ReLU's kink is not a derivative: a second, smaller step avoids most.
STEPS: dict[Method, tuple[complex, ...]] = {
    "complex-step": (1e-30j,),
    "central-difference": (1e-4, 1e-6),
}
TOLERANCE: dict[Method, float] = {"complex-step": 1e-8, "central-difference": 1e-4}
# Entries smaller than this share of their array's largest are compared on that scale: what is
# left of a sum after cancellation has an absolute, not a relative, precision.
FLOOR = 1e-4
CHUNK_VALUES = 2_000_000


@dataclass(frozen=True)
class Result:
    """One array's comparison; `index` is that of its worst entry."""

    name: str
    size: int
    checked: int
    max_relative_error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True)
class Problem:
    """What is checked: batches of one sequence, the initial state of each, the scale."""

    batches: Sequence[bptt.Batch]
    initial_states: Sequence[Array]
    scale: float
    masks: Array | None = None
    weight_masks: Mapping[str, Array] = field(default_factory=dict)


def chain(network: Network, batches: Sequence[bptt.Batch], state: Array) -> list[Array]:
    """The initial state of each batch, when they are read one after another from `state`."""
    states = []
    for batch in batches:
        states.append(state)
        tape = network.forward(batch.x, state)
        advance = len(batch.x) if batch.advance is None else batch.advance
        state = network.state_after(tape, advance)
    return states


def analytic(
    network: Network, problem: Problem, window: int | str = "auto"
) -> tuple[dict[str, Array], Array]:
    """Gradients by backpropagation: of every parameter, and of the first initial state."""
    grad = network.params.like()
    first: Array | None = None
    for batch, entry in zip(problem.batches, problem.initial_states, strict=True):
        length = bptt.window_length(window, *batch.x.shape)
        masks = _fixed(problem.masks, length)
        own = network.params.like()
        with apply_weight_dropout(network.params, problem.weight_masks, own):
            result = bptt.gradient(
                network, batch, entry, own, problem.scale, window=window, masks=masks
            )
        grad.flat += own.flat
        first = result.dstate if first is None else first
    assert first is not None
    return dict(grad), first


def _fixed(masks: Array | None, length: int) -> bptt.Masks | None:
    """Dropout masks (L, T, B, H) of a batch as bptt asks for them, window by window."""
    if masks is None:
        return None
    return lambda index, T: list(masks[:, index * length : index * length + T])


def loss(
    reference: ReferenceNetwork,
    parameters: Mapping[str, Array],
    problem: Problem,
    first_state: Sequence[Sequence[Array]] | None = None,
) -> Array:
    """scale · Σ E over the batches by the reference: a scalar, or one per perturbed copy (n,)."""
    total: Any = 0
    thin = {name: parameters[name] * mask for name, mask in problem.weight_masks.items()}
    initial_states: list[Any] = list(problem.initial_states)
    if first_state is not None:
        initial_states[0] = first_state
    for batch, state in zip(problem.batches, initial_states, strict=True):
        E, _ = reference.losses({**parameters, **thin}, batch.x, batch.y, state, problem.masks)
        E = E[batch.first :]
        if batch.mask is not None:
            # Where copies stand side by side E is (T, n, B).
            mask = batch.mask[batch.first :]
            E = E * (mask[:, None, :] if E.ndim == 3 else mask)
        total = total + E.sum(axis=(0, -1))
    return np.asarray(problem.scale * total)


def check(
    network: Network,
    reference: ReferenceNetwork,
    problem: Problem,
    *,
    method: Method = "complex-step",
    window: int | str = "auto",
    samples: Mapping[str, int] | int | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[Result]:
    """Compare every parameter and the initial state, array by array.

    `samples`: check that many random entries of each array, or of the array of a name, instead of
    all of them.
    """
    gradients, dstate = analytic(network, problem, window)
    claims = list(_claims(network, reference, problem, gradients, dstate))
    chosen = [_choose(claim.array.size, _count(samples, claim.name), rng) for claim in claims]
    steps, θ = STEPS[method], network.params.flat.size
    # An entry takes a pass over its own array and one over all the others.
    work = [claim.array.size + θ for claim in claims]
    with working(
        "proving gradients",
        len(steps) * sum(len(own) * each for own, each in zip(chosen, work, strict=True)),
    ) as done:
        for claim, own, each in zip(claims, chosen, work, strict=True):
            estimates = []
            for step in steps:
                parts = _derivatives(claim.function, claim.array, own, step)
                estimates.append(np.concatenate([_told(part, each, done) for part in parts]))
            numeric = _nearest(claim.gradient.reshape(-1)[own], estimates)
            yield compare(claim.name, claim.gradient, own, numeric)


@dataclass(frozen=True)
class _Claim:
    """That `gradient` is the derivative of `function` by `array`."""

    name: str
    array: Array
    gradient: Array
    function: Function


def _claims(
    network: Network, reference: ReferenceNetwork, problem: Problem,
    gradients: Mapping[str, Array], dstate: Array,
) -> Iterator[_Claim]:  # fmt: skip
    parameters = dict(network.params)
    for name, array in parameters.items():
        function = _in_parameter(name, parameters, problem, reference)
        yield _Claim(name, array, gradients[name], function)
    entry = problem.initial_states[0]
    for layer in range(entry.shape[0]):
        for slot, letter in enumerate(network.cells[layer].state_names):
            function = _in_state(layer, slot, parameters, problem, reference)
            name = f"layers.{layer}.{letter}_0"
            yield _Claim(name, entry[layer, slot], dstate[layer, slot], function)


def _count(samples: Mapping[str, int] | int | None, name: str) -> int | None:
    return samples[name] if isinstance(samples, Mapping) else samples


def _in_parameter(
    name: str, parameters: Mapping[str, Array], problem: Problem, reference: ReferenceNetwork
) -> Function:
    """The loss as a function of one parameter array, or of copies of it side by side."""
    return lambda copies: loss(reference, {**parameters, name: copies}, problem)


def _in_state(
    layer: int,
    slot: int,
    parameters: Mapping[str, Array],
    problem: Problem,
    reference: ReferenceNetwork,
) -> Function:
    """The loss as a function of one array of the first initial state."""

    def function(copies: Array) -> Array:
        states = [list(arrays) for arrays in problem.initial_states[0]]
        states[layer][slot] = copies
        return loss(reference, parameters, problem, states)

    return function


def _nearest(analytic: Array, estimates: Sequence[Array]) -> Array:
    """Of several numeric estimates, for each entry the one nearest to what is claimed."""
    stacked = np.stack(estimates)
    best = np.argmin(np.abs(stacked - analytic), axis=0)
    return np.asarray(np.take_along_axis(stacked, best[None], axis=0)[0])


def _choose(size: int, samples: int | None, rng: np.random.Generator | None) -> Entries:
    if samples is None or samples >= size:
        return np.arange(size)
    generator = rng or np.random.default_rng(0)
    return np.sort(generator.choice(size, samples, replace=False))


def _derivatives(
    function: Function, array: Array, chosen: Entries, step: complex
) -> Iterator[Array]:
    """dF/d(entry) for the chosen entries, in groups whose perturbed copies fit in memory."""
    length = min(max(CHUNK_VALUES // array.size, 1), 64)
    for start in range(0, len(chosen), length):
        yield _side_by_side(function, array, chosen[start : start + length], step)


def _told(part: Array, work: int, done: Done) -> Array:
    done(len(part) * work)
    return part


def _side_by_side(function: Function, array: Array, entries: Entries, step: complex) -> Array:
    shifts = np.zeros((len(entries), array.size), type(step))
    shifts[np.arange(len(entries)), entries] = step
    shifts = shifts.reshape(len(entries), *array.shape)
    if step.imag:
        return np.asarray(function(array + shifts).imag / step.imag)
    near = function(array + shifts) - function(array - shifts)
    far = function(array + 2 * shifts) - function(array - 2 * shifts)
    return np.asarray((8 * near - far) / (12 * step.real))


def compare(name: str, gradient: Array, chosen: Entries, numeric: Array) -> Result:
    """The worst relative difference |a - n| / max(|a|, |n|), with a floor for tiny entries."""
    a = gradient.reshape(-1)[chosen]
    scale = np.maximum(np.abs(a), np.abs(numeric))
    floor = max(FLOOR * float(scale.max()), np.finfo(np.float64).tiny)
    errors = np.abs(a - numeric) / np.maximum(scale, floor)
    errors = np.where(np.isfinite(errors), errors, np.inf)
    worst = int(np.argmax(errors))
    index = tuple(int(i) for i in np.unravel_index(chosen[worst], gradient.shape))
    return Result(
        name, gradient.size, len(chosen), float(errors[worst]), index, float(a[worst]),
        float(numeric[worst]),
    )  # fmt: skip
