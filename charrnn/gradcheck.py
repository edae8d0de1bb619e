"""Gradients proved: backward against the derivative of the textbook in `charrnn.reference`.

The *complex step* (Squire & Trapp 1998): for an analytic function, Im F(θ + iε) / ε is F'(θ) to
rounding, with no difference taken, at ε = 1e-30. *Central differences* take the real function at
θ ± ε. Both perturb one element at a time; elements of one array are done side by side, along an
axis of their own that the reference broadcasts.

What is claimed, and checked: the derivative of the summed loss of the given spans, with the state
on entry of each span held constant (truncated BPTT), and of the state on entry of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn import bptt
from charrnn.nn.network import Network
from charrnn.reference import ReferenceNetwork

Array = NDArray[Any]
Method = Literal["complex-step", "central-difference"]

COMPLEX_STEP = 1e-30
CENTRAL_STEP = 1e-5
TOLERANCE: dict[Method, float] = {"complex-step": 1e-8, "central-difference": 1e-5}
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
    """What is checked: spans of one sequence, the states that they are entered with, the scale."""

    spans: Sequence[bptt.Span]
    entries: Sequence[Array]
    scale: float
    masks: Array | None = None


def chain(network: Network, spans: Sequence[bptt.Span], state: Array) -> list[Array]:
    """The state on entry of each span, when they are read one after another from `state`."""
    entries = []
    for span in spans:
        entries.append(state)
        tape = network.forward(span.x, state)
        advance = len(span.x) if span.advance is None else span.advance
        state = network.state_after(tape, advance)
    return entries


def analytic(
    network: Network, problem: Problem, window: int | str = "auto"
) -> tuple[dict[str, Array], Array]:
    """Gradients by backpropagation: of every parameter, and of the first state on entry."""
    grad = network.params.like()
    first: Array | None = None
    for span, entry in zip(problem.spans, problem.entries, strict=True):
        outcome = bptt.gradient(
            network, span, entry, grad, problem.scale, window=window, masks=_fixed(problem.masks)
        )
        first = outcome.dstate if first is None else first
    assert first is not None
    return dict(grad), first


def _fixed(masks: Array | None) -> bptt.Masks | None:
    """Dropout masks (L, T, B, H) as bptt asks for them; such problems have one window."""
    return None if masks is None else lambda index, T: list(masks[:, :T])


def loss(
    reference: ReferenceNetwork,
    parameters: Mapping[str, Array],
    problem: Problem,
    first_entry: Sequence[Sequence[Array]] | None = None,
) -> Array:
    """scale · Σ E over the spans by the reference: a scalar, or one per perturbed copy (n,)."""
    total: Any = 0
    for index, (span, entry) in enumerate(zip(problem.spans, problem.entries, strict=True)):
        state: Any = first_entry if index == 0 and first_entry is not None else entry
        E, _ = reference.losses(dict(parameters), span.x, span.y, state, problem.masks)
        E = E[span.first :]
        if span.mask is not None:
            # Where copies stand side by side E is (T, n, B).
            mask = span.mask[span.first :]
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
    samples: int | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[Result]:
    """Compare every parameter and the initial state, array by array.

    `samples`: check that many random entries of each array instead of all of them.
    """
    gradients, dstate = analytic(network, problem, window)
    parameters = dict(network.params)
    step = COMPLEX_STEP * 1j if method == "complex-step" else CENTRAL_STEP
    for name, array in parameters.items():
        chosen = _choose(array.size, samples, rng)
        numeric = np.concatenate(
            [
                _derivative(
                    lambda copies, name=name: loss(  # type: ignore[misc]
                        reference, {**parameters, name: copies}, problem
                    ),
                    array, part, step,
                )
                for part in _chunks(chosen, array.size)
            ]
        )  # fmt: skip
        yield compare(name, gradients[name], chosen, numeric)
    entry = problem.entries[0]
    for layer in range(entry.shape[0]):
        for slot, letter in enumerate("hs"[: entry.shape[1]]):
            array = entry[layer, slot]
            chosen = _choose(array.size, samples, rng)

            def perturbed(copies: Array, layer: int = layer, slot: int = slot) -> Array:
                states = [list(one) for one in entry]
                states[layer][slot] = copies
                return loss(reference, parameters, problem, states)

            numeric = np.concatenate(
                [_derivative(perturbed, array, part, step) for part in _chunks(chosen, array.size)]
            )
            yield compare(f"layers.{layer}.{letter}_0", dstate[layer, slot], chosen, numeric)


def _choose(size: int, samples: int | None, rng: np.random.Generator | None) -> NDArray[np.int64]:
    if samples is None or samples >= size:
        return np.arange(size)
    generator = rng or np.random.default_rng(0)
    return np.sort(generator.choice(size, samples, replace=False))


def _chunks(chosen: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Entries in groups small enough that their perturbed copies fit in memory."""
    length = min(max(CHUNK_VALUES // size, 1), 64)
    return [chosen[start : start + length] for start in range(0, len(chosen), length)]


def _derivative(function: Any, array: Array, entries: NDArray[np.int64], step: complex) -> Array:
    """dF/d(entry) for each entry, the copies of `array` side by side."""
    shifts = np.zeros((len(entries), array.size), type(step))
    shifts[np.arange(len(entries)), entries] = step
    shifts = shifts.reshape(len(entries), *array.shape)
    if isinstance(step, complex):
        return np.asarray(function(array + shifts).imag / step.imag)
    return np.asarray((function(array + shifts) - function(array - shifts)) / (2 * step))


def compare(
    name: str, gradient: Array, chosen: NDArray[np.int64], numeric: Array
) -> Result:
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
