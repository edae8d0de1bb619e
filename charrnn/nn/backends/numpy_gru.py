"""GRU over a window, in NumPy. Equations: docs/derivations/gru.md. Gate columns are [r u | n]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.nn.activations import SIGMOID, TANH

Array = NDArray[Any]


def forward(A: Array, U: Array, q: Array | None, H: Array, M: Array) -> None:
    """Turn the projections A = X W + b (T, B, 3H) into gates, in place; fill H[1:] and M.

    H[0] is the state on entry; M (T, B, H) is m_t = h_{t-1} U_n + q.
    """
    T, B, G = A.shape
    width = G // 3
    recurrent, product = np.empty((B, G), A.dtype), np.empty((B, width), A.dtype)
    # Elementwise work is done in contiguous scratch, where NumPy is several times as fast.
    ru, n = np.empty((B, 2 * width), A.dtype), np.empty((B, width), A.dtype)
    r, u = ru[:, :width], ru[:, width:]
    for t in range(T):
        a, m, h = A[t], M[t], H[t + 1]
        np.matmul(H[t], U, out=recurrent)
        np.add(a[:, : 2 * width], recurrent[:, : 2 * width], out=ru)
        SIGMOID.apply(ru)  # (GRU.1), (GRU.2)
        m[...] = recurrent[:, 2 * width :]
        if q is not None:
            m += q  # (GRU.3)
        np.multiply(r, m, out=product)
        np.add(a[:, 2 * width :], product, out=n)
        TANH.apply(n)  # (GRU.4)
        np.subtract(H[t], n, out=h)
        h *= u
        h += n  # (GRU.5)
        a[:, : 2 * width], a[:, 2 * width :] = ru, n


def backward(
    dH: Array, dh: Array, U: Array, A: Array, H: Array, M: Array, dR: Array, dN: Array
) -> Array:
    """Fill dR (T, B, 3H), the errors on h_{t-1} U + [0 0 q], and dN (T, B, H), those on a_n.

    The errors on the projections A are dR with its n columns replaced by dN. A holds the gates
    that `forward` left. Returns the gradient of the state on entry.
    """
    T, B, G = A.shape
    width = G // 3
    dh = dh.copy()
    product = np.empty_like(dh)
    derivatives = np.empty((B, 2 * width), A.dtype)
    r_slope, u_slope = derivatives[:, :width], derivatives[:, width:]
    U_T = U.T
    for t in reversed(range(T)):
        ru = A[t][:, : 2 * width]
        r, u, n = ru[:, :width], ru[:, width:], A[t][:, 2 * width :]
        d_r, d_u, d_m = (dR[t][:, k * width : (k + 1) * width] for k in range(3))
        d_n = dN[t]
        SIGMOID.derivative(ru, out=derivatives)
        dh += dH[t]  # (GRU.6)
        np.subtract(H[t], n, out=product)
        product *= dh
        np.multiply(product, u_slope, out=d_u)  # (GRU.7)
        TANH.derivative(n, out=d_n)
        d_n *= dh
        np.multiply(d_n, u, out=product)
        d_n -= product  # (GRU.8)
        np.multiply(d_n, M[t], out=product)
        np.multiply(product, r_slope, out=d_r)  # (GRU.9)
        np.multiply(d_n, r, out=d_m)  # (GRU.10)
        np.matmul(dR[t], U_T, out=product)
        dh *= u
        dh += product  # (GRU.11)
    return dh
