"""One step of each cell. Equation numbers are those of docs/derivations/.

x is (B, D), h and s are (B, H), W is (D, G), U is (H, G), b is (G,), P is (gates, H). A step takes
the weights, x, the states before it and the cell's own options by their names in a configuration,
and returns the states after it, the output h first. Nothing of `charrnn.nn` is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


def sigmoid(a: Array) -> Array:
    """σ(a) = 1 / (1 + e^-a)."""
    return np.asarray(1 / (1 + np.exp(-a)))


def relu(a: Array) -> Array:
    """max(a, 0), by the real part: its complex-step derivative is the step function."""
    return np.where(a.real > 0, a, 0 * a)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "identity": lambda a: a,
    # Hochreiter & Schmidhuber (1997), appendix A.1: g has range [-2, 2] and h has [-1, 1].
    "logistic_g": lambda a: 4 * sigmoid(a) - 2,
    "logistic_h": lambda a: 2 * sigmoid(a) - 1,
}


def softmax(z: Array) -> Array:
    """p_k = e^(z_k) / Σ_j e^(z_j), over the last axis."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def cross_entropy(z: Array, y: Array) -> Array:
    """E = -Σ_k y_k ln p_k for a one-hot y, over the last axis; nats."""
    return np.asarray(-(y * np.log(softmax(z))).sum(axis=-1))


def constant(v: Array) -> Array:
    """v with its derivative cut: the complex step carries derivatives in the imaginary part."""
    return v.real + 0 * v.imag


Array = NDArray[Any]
Weights = dict[str, Array]


class Step(Protocol):
    def __call__(
        self, weights: Weights, x: Array, state: Sequence[Array], **options: Any
    ) -> list[Array]: ...


STEPS: dict[str, Step] = {}


def reference_step(cell: str) -> Callable[[Any], Any]:
    """Registers the function below as the textbook's step of the cell of that name."""

    def add(step: Any) -> Any:
        STEPS[cell] = step
        return step

    return add


def product(x: Array, W: Array) -> Array:
    """x W. Copies of x side by side (n, B, D) are one product with a W that all share, whose
    numbers are real: NumPy would make as many, each with a complex copy of W.
    """
    if W.ndim > 2:
        return np.asarray(x @ W)
    rows = x.reshape(-1, x.shape[-1])
    if np.iscomplexobj(rows) and not np.iscomplexobj(W):
        flat = np.asarray(rows.real @ W + 1j * (rows.imag @ W))
    else:
        flat = rows @ W
    return flat.reshape(*x.shape[:-1], W.shape[-1])


def affine(weights: Weights, x: Array, h: Array, gate: int, H: int) -> Array:
    """a = x W + h U + b for one gate's columns."""
    columns = slice(gate * H, (gate + 1) * H)
    a = product(x, weights["W"][..., columns]) + product(h, weights["U"][..., columns])
    return a + row(weights["b"])[..., columns] if "b" in weights else a


def row(v: Array) -> Array:
    """A bias as a row that broadcasts over the batch, whatever axes stand before."""
    return v[..., None, :]


@reference_step("rnn")
def rnn_step(
    weights: Weights, x: Array, state: Sequence[Array], *, activation: str = "tanh"
) -> list[Array]:
    """Vanilla RNN (Elman 1990). Returns h_t.

    (RNN.1) a_t = x_t W + h_{t-1} U + b
    (RNN.2) h_t = φ(a_t)
    """
    (h,) = state
    return [ACTIVATIONS[activation](affine(weights, x, h, 0, h.shape[-1]))]


@reference_step("lstm")
def lstm_step(
    weights: Weights,
    x: Array,
    state: Sequence[Array],
    *,
    forget_gate: bool = True,
    coupled_gates: bool = False,
    cell_input: str = "tanh",
    cell_output: str = "tanh",
    cell_truncation: str = "none",
    **_: Any,
) -> list[Array]:
    """LSTM. Returns h_t and s_t.

    (LSTM.1) i_t = σ(x_t W_i + h_{t-1} U_i + b_i + s_{t-1} ⊙ P_i)
    (LSTM.2) f_t = σ(x_t W_f + h_{t-1} U_f + b_f + s_{t-1} ⊙ P_f)
    (LSTM.3) g_t = g(x_t W_g + h_{t-1} U_g + b_g)
    (LSTM.4) s_t = f_t ⊙ s_{t-1} + i_t ⊙ g_t
    (LSTM.5) o_t = σ(x_t W_o + h_{t-1} U_o + b_o + s_t ⊙ P_o)
    (LSTM.6) h_t = o_t ⊙ h(s_t)

    The forget gate is of Gers et al. (2000); without it f_t = 1 (Hochreiter & Schmidhuber 1997);
    coupled, f_t = 1 - i_t. The terms in P are there when p has "P" (Gers et al. 2002).
    `cell_truncation` "1997" holds h_{t-1}, and what peepholes see, constant: the derivative then
    flows through time only along s.
    """
    h, s = state
    H = h.shape[-1]
    truncate, own_forget = cell_truncation == "1997", forget_gate and not coupled_gates
    past = constant(h) if truncate else h
    P = weights.get("P")
    rows = {"i": 0, "f": 1, "o": 2, "g": 3} if own_forget else {"i": 0, "o": 1, "g": 2}

    def gate(name: str, seen: Array) -> Array:
        a = affine(weights, x, past, rows[name], H)
        if P is not None:
            a = a + (constant(seen) if truncate else seen) * row(P[..., rows[name], :])
        return sigmoid(a)

    i = gate("i", s)
    f: Any = 1
    if own_forget:
        f = gate("f", s)
    elif coupled_gates:
        f = 1 - i
    g = _activation(cell_input, "g")(affine(weights, x, past, rows["g"], H))
    s = f * s + i * g
    o = gate("o", s)
    return [o * _activation(cell_output, "h")(s), s]


def _activation(name: str, place: str) -> Callable[[Array], Array]:
    return ACTIVATIONS[f"logistic_{place}" if name == "logistic" else name]


@reference_step("gru")
def gru_step(weights: Weights, x: Array, state: Sequence[Array]) -> list[Array]:
    """GRU (Cho et al. 2014, with the reset gate after the product). Returns h_t.

    (GRU.1) r_t = σ(x_t W_r + h_{t-1} U_r + b_r)
    (GRU.2) u_t = σ(x_t W_u + h_{t-1} U_u + b_u)
    (GRU.3) m_t = h_{t-1} U_n + q
    (GRU.4) n_t = tanh(x_t W_n + b_n + r_t ⊙ m_t)
    (GRU.5) h_t = (1 - u_t) ⊙ n_t + u_t ⊙ h_{t-1}
    """
    (h,) = state
    H = h.shape[-1]
    r = sigmoid(affine(weights, x, h, 0, H))
    u = sigmoid(affine(weights, x, h, 1, H))
    n_columns = slice(2 * H, 3 * H)
    m = product(h, weights["U"][..., n_columns])
    a = product(x, weights["W"][..., n_columns])
    if "b" in weights:
        m = m + row(weights["q"])
        a = a + row(weights["b"])[..., n_columns]
    n = np.tanh(a + r * m)
    return [np.asarray((1 - u) * n + u * h)]
