"""Sampling as one compiled loop: step all layers, read out, draw, and feed what was drawn.

The same as `generation.plain_continuation`, on weights that are packed once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.backends.compiled import gru, lstm, rnn
from charrnn.nn.backends.compiled.constants import constants, relu_flag
from charrnn.nn.backends.compiled.functions import exp
from charrnn.nn.backends.compiled.jit import compiled
from charrnn.nn.backends.compiled.product import multiply, pack
from charrnn.nn.cells import GRU, LSTM, RNN
from charrnn.nn.network import Network

Array = NDArray[Any]
Ids = NDArray[np.int32]


def continuation(
    network: Network,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    allowed: NDArray[np.bool_] | None,
    boundary: int | None,
) -> Callable[[Ids, Array, NDArray[np.float64]], tuple[Ids, Array]]:
    """A function (x (B,), state, uniforms (n, B)) → (ids (n, B), state), as the plain one."""
    weights = _packed(network)
    cell = network.cells[0]
    as_rnn = as_gru = as_lstm = None
    if isinstance(cell, RNN):
        as_rnn = (constants(cell.activation, network.dtype), relu_flag(cell.activation))
    elif isinstance(cell, GRU):
        as_gru = True
    else:
        assert isinstance(cell, LSTM)
        as_lstm = (*lstm._activations(cell.variant, network.dtype), *lstm._flags(cell.variant))
    rule = (
        float(temperature),
        network.K if top_k is None else min(top_k, network.K),
        2.0 if top_p is None else float(top_p),
    )
    usable = np.ones(network.K, np.bool_) if allowed is None else allowed
    edge = -1 if boundary is None else boundary

    def generate_steps(x: Ids, state: Array, uniforms: NDArray[np.float64]) -> tuple[Ids, Array]:
        ids, state = np.empty(uniforms.shape, np.int32), state.copy()
        _generate(x, state, uniforms, *weights, as_rnn, as_gru, as_lstm, rule, usable, edge, ids)
        return ids, state

    return generate_steps


def _packed(network: Network) -> tuple[Any, ...]:
    """The input table (K, G), then W, b, U, P, q of the layers and V, c, packed for products."""
    layers = [network.params.layer(index) for index in range(len(network.cells))]
    G = layers[0]["U"].shape[1]

    def stack(letter: str, parts: list[dict[str, Array]]) -> Array:
        return np.stack([pack(np.ascontiguousarray(part[letter])) for part in parts])

    def bias(p: dict[str, Array]) -> Array:
        return p.get("b", np.zeros(G, network.dtype))

    # A network of one layer has no W above the first: its U stands in, and is not used.
    upper = layers[1:] or layers
    W = stack("W", layers[1:]) if layers[1:] else stack("U", layers)
    P = np.stack([p["P"] for p in layers]) if "P" in layers[0] else None
    zero = np.zeros(network.H, network.dtype)
    return (
        layers[0]["W"] + bias(layers[0]),
        W,
        np.stack([bias(p) for p in upper]),
        stack("U", layers),
        P,
        np.stack([p.get("q", zero) for p in layers]),
        pack(np.ascontiguousarray(network.params["output.V"])),
        network.params["output.c"] if network.bias else np.zeros(network.K, network.dtype),
    )


@compiled
def _generate(x, state, uniforms, table, W, b, U, P, q, V, c, is_rnn, is_gru, is_lstm, rule,
              allowed, boundary, ids):  # fmt: skip
    L, _, B, H = state.shape
    G = table.shape[1]
    A = np.empty((B, G), table.dtype)
    a = np.empty((B, U.shape[1] * U.shape[3]), table.dtype)
    z = np.empty((B, V.shape[0] * V.shape[2]), table.dtype)
    scratch, p = np.empty(H, table.dtype), np.empty(len(c), table.dtype)
    x = x.copy()
    for t in range(len(uniforms)):
        for stream in range(B):
            if x[stream] == boundary:
                state[:, :, stream] = 0
        for layer in range(L):
            if layer == 0:
                for stream in range(B):
                    A[stream] = table[x[stream]]
            else:
                multiply(state[layer - 1, 0], W[layer - 1], a)
                for stream in range(B):
                    A[stream] = a[stream, :G] + b[layer - 1]
            multiply(state[layer, 0], U[layer], a)
            for stream in range(B):
                h = state[layer, 0, stream]
                if is_rnn is not None:
                    rnn._step(A[stream], a[stream], h, is_rnn[0], is_rnn[1])
                if is_gru is not None:
                    gru._step(A[stream], a[stream], q[layer], h, h, scratch)
                if is_lstm is not None:
                    s = state[layer, 1, stream]
                    if P is None:
                        _lstm_step(A[stream], a[stream], None, s, scratch, h, is_lstm)
                    else:
                        _lstm_step(A[stream], a[stream], P[layer], s, scratch, h, is_lstm)
        multiply(state[L - 1, 0], V, z)
        for stream in range(B):
            z_row = z[stream]
            for k in range(len(c)):
                z_row[k] += c[k]
            x[stream] = _draw(z_row, p, uniforms[t, stream], rule, allowed)
            ids[t, stream] = x[stream]


@compiled
def _lstm_step(x, a, P, s, q, h, variant):
    sq_g, sq_h, linear_g, linear_h, own_forget, coupled = variant
    lstm._gates(x, a, P, s, sq_g, linear_g, own_forget)
    lstm._state(x, P, s, s, own_forget, coupled)
    lstm._output(x, s, q, h, sq_h, linear_h, own_forget)


@compiled
def _draw(z, p, uniform, rule, allowed):
    """As `generation.Sampling.choose`; p (K,) is scratch."""
    temperature, top_k, top_p = rule
    K = len(p)
    best = -1
    for k in range(K):
        if allowed[k] and (best < 0 or z[k] > z[best]):
            best = k
    if temperature == 0:
        return best
    _weights(z, z[best], p.dtype.type(1 / temperature), allowed, p)
    if top_k < K or top_p <= 1:
        _keep_likeliest(p, top_k, top_p)
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
    """p = exp((z - top) / temperature), 0 where it is not allowed."""
    for k in range(len(p)):
        p[k] = exp(min((z[k] - top) * coldness, z.dtype.type(0)))
    for k in range(len(p)):
        if not allowed[k]:
            p[k] = 0


@compiled
def _keep_likeliest(p, top_k, top_p):
    order = np.argsort(-p, kind="mergesort")
    for rank in range(top_k, len(p)):
        p[order[rank]] = 0
    if top_p <= 1:
        total, before = 0.0, 0.0
        for k in range(len(p)):
            total += p[k]
        enough = top_p * total
        for k in order:
            kept = before < enough
            before += p[k]
            if not kept:
                p[k] = 0
