"""Sampling as one compiled loop: step all layers, draw from the output, and feed what was drawn.

The same as `inference.sampling.numpy_sampler`, on weights that are packed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled.compiling import compiled, exp
from charrnn.nn.backends.compiled.mixing import mix_row, new_scratch
from charrnn.nn.backends.compiled.ngram import advance, forget
from charrnn.nn.backends.compiled.product import multiply, pack
from charrnn.nn.backends.compiled.stack import packed_stack, room, run
from charrnn.nn.network import Network, logits_not_finite

# Below it exp in float32 is a constant, and in float64 nothing that could be chosen.
LEAST_EXPONENT = -87.0
Array = NDArray[Any]
Ids = NDArray[np.int32]


def compiled_sampler(
    network: Network,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    allowed: NDArray[np.bool_] | None,
    boundary: int | None,
    mixture: tuple[Any, ...] | None = None,
) -> Callable[..., tuple[Ids, Array]]:
    """A function (x (B,), state, uniforms (n, B)) → (ids (n, B), state), as the plain one.

    With a `mixture` (`Mixture.for_sampling`) it also takes what the streams have read before x
    (B, columns), which go on, and the mixture is what is drawn from. Held to valid UTF-8 it also
    takes `HeldStreams`.
    """
    layers = [network.params.layer(index) for index in range(len(network.cells))]
    stack, V = packed_stack(network.cells, layers), pack(network.params["output.V"])
    c = network.params["output.c"] if network.bias else np.zeros(network.K, network.dtype)
    rule = (
        _coldness(temperature, network.dtype),
        network.K if top_k is None else min(top_k, network.K),
        1.0 if top_p is None else float(top_p),
    )
    usable = np.ones(network.K, np.bool_) if allowed is None else allowed
    edge = -1 if boundary is None else boundary

    def generate_steps(
        x: Ids, state: Array, uniforms: NDArray[np.float64], read: Array | None = None,
        held: Any = None,
    ) -> tuple[Ids, Array]:  # fmt: skip
        ids, state, B = np.empty(uniforms.shape, np.int32), state.copy(), len(x)
        now = x.astype(np.int32).reshape(1, B)
        if not _generate(
            now,
            now[0],
            state,
            state.reshape(-1, *state.shape[2:]),
            room(stack, 1, B),
            uniforms,
            stack,
            V,
            c,
            rule,
            usable,
            edge,
            mixture,
            read,
            None if held is None else held.arrays(),
            ids,
        ):
            raise logits_not_finite()
        return ids, state

    return generate_steps


def _coldness(temperature: float, dtype: np.dtype[Any]) -> float:
    """1 / temperature within what the dtype has, so that no 0 · inf arises; 0 where that is 0."""
    if temperature == 0:
        return 0.0
    limits = np.finfo(dtype)
    return min(max(1 / temperature, float(limits.tiny)), float(limits.max))


@compiled
def _generate(now, x, state, layers, scratch, uniforms, stack, V, c, rule, allowed, boundary,
              mixture, read, held, ids):  # fmt: skip
    """x (B,) is `now` (1, B), and `layers` (L n, B, H) the state (L, n, B, H), in one memory."""
    B = len(x)
    z, p = np.empty((B, V.shape[0] * V.shape[2]), c.dtype), np.empty_like(c)
    mixing = None if mixture is None else new_scratch(mixture, len(c))
    for t in range(len(uniforms)):
        for stream in range(B):
            if held is not None:
                _hold(held, stream, x, state, read)
            if x[stream] == boundary:
                state[:, :, stream] = 0
            if mixture is not None:
                if x[stream] == boundary:
                    forget(read[stream], len(c))
                advance(mixture[0], read[stream], x[stream])
        run(now, 0, 1, layers, stack, scratch)
        multiply(stack.product, scratch[1], V, z, 0)
        for stream in range(B):
            z_row = z[stream]
            for k in range(len(c)):
                z_row[k] += c[k]
            if mixture is not None:
                mix_row(mixture, read[stream], z_row[: len(c)], mixing)
            usable = allowed
            if held is not None and (rule[0] == 0 or rule[1] == 1):
                usable = held[1][held[2][stream]]
            x[stream] = _draw(z_row[: len(c)], p, uniforms[t, stream], rule, usable)
            if x[stream] < 0:
                return False
            ids[t, stream] = x[stream]
            if held is not None:
                _follow(held, stream, x, state, read)
    return True


@compiled
def _hold(held, stream, x, state, read):
    """As `inference.valid_sampling.HeldStreams.hold`, of one stream."""
    _, _, phase, held_phase, held_x, held_state, held_read, _ = held
    if phase[stream] == 0:
        held_phase[stream] = 0
        held_x[stream] = x[stream]
        held_state[stream] = state[:, :, stream]
        if read is not None:
            held_read[stream] = read[stream]


@compiled
def _follow(held, stream, x, state, read):
    """As `HeldStreams.follow`, of one stream, whose id was drawn into x."""
    after, _, phase, held_phase, held_x, held_state, held_read, now = held
    following = after[phase[stream], x[stream]]
    if following >= 0:
        phase[stream] = following
    else:
        phase[stream] = held_phase[stream]
        x[stream] = held_x[stream]
        state[:, :, stream] = held_state[stream]
        if read is not None:
            read[stream] = held_read[stream]
    now[stream] = x[stream]


@compiled
def _draw(z, p, uniform, rule, allowed):
    """As `inference.sampling.Sampling.choose`, -1 where that raises; p (K,) is scratch."""
    coldness, top_k, top_p = rule
    K = len(p)
    best = -1
    for k in range(K):
        if allowed[k]:
            if not z[k] < np.inf:
                return -1
            if best < 0 or z[k] > z[best]:
                best = k
    if z[best] == -np.inf:
        return -1
    if coldness == 0:
        return best
    _weights(z, z[best], p.dtype.type(coldness), allowed, p)
    if top_k < K or top_p < 1:
        _keep_likeliest(z, allowed, p, top_k, top_p)
    total = 0.0
    for k in range(K):
        total += p[k]
    target, reached = uniform * total, 0.0
    last = best
    for k in range(K):
        reached += p[k]
        if p[k] > 0:
            last = k
            if reached > target:
                break
    return last


@compiled
def _weights(z, top, coldness, allowed, p):
    """p = exp((z - top) · coldness), 0 where it is not allowed or less than float32's exp gives."""
    for k in range(len(p)):
        p[k] = exp(min((z[k] - top) * coldness, z.dtype.type(0)))
    for k in range(len(p)):
        if not allowed[k] or (z[k] - top) * coldness < LEAST_EXPONENT:
            p[k] = 0


@compiled
def _keep_likeliest(z, allowed, p, top_k, top_p):
    """By z: at a high temperature the order of p is lost in rounding."""
    unlikeliness = np.empty_like(p)
    for k in range(len(p)):
        unlikeliness[k] = -z[k] if allowed[k] else np.inf
    order = np.argsort(unlikeliness, kind="mergesort")
    for rank in range(top_k, len(p)):
        p[order[rank]] = 0
    if top_p < 1:
        total, before = 0.0, 0.0
        for k in range(len(p)):
            total += p[k]
        enough = top_p * total * (1 - 1e-12)  # as `inference.sampling.ROUNDING`
        for k in order:
            kept = before < enough
            before += p[k]
            if not kept:
                p[k] = 0
