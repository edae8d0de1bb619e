"""Make the coefficients of charrnn/nn/backends/compiled/compiling.py: minimax fits by reweighting.

    python scripts/fit_functions.py

Both are fits of the relative error. Rational: Sanathanan & Koerner (1963) makes each step a linear
least-squares problem; Lawson's weights (1961) turn least squares into minimax.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
POINTS, ROUNDS = 4000, 80


def chebyshev(low: float, high: float) -> Array:
    t = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    return low + (high - low) * (t + 1) / 2


def fit(z: Array, f: Array, degree_p: int, degree_q: int) -> tuple[float, Array, Array]:
    """P and Q of P(z)/Q(z) ≈ f with Q(0) = 1, and the largest relative error."""
    scale = np.abs(z).max()
    powers = (z / scale)[:, None] ** np.arange(max(degree_p, degree_q) + 1)
    weight, Q = np.ones(len(z)), np.ones(len(z))
    best = (np.inf, powers[0], powers[0])
    for _ in range(ROUNDS):
        w = np.sqrt(weight) / (f * Q)
        system = np.hstack([powers[:, : degree_p + 1], -f[:, None] * powers[:, 1 : degree_q + 1]])
        solution = np.linalg.lstsq(system * w[:, None], f * w, rcond=None)[0]
        p, q = solution[: degree_p + 1], np.append(1.0, solution[degree_p + 1 :])
        Q = powers[:, : degree_q + 1] @ q
        error = np.abs(powers[:, : degree_p + 1] @ p / Q / f - 1)
        if error.max() < best[0]:
            unscale = 1 / scale ** np.arange(len(powers[0]))
            best = (float(error.max()), p * unscale[: len(p)], q * unscale[: len(q)])
        weight *= error / error.mean()
        weight /= weight.mean()
    return best


def main() -> None:
    x = np.maximum(chebyshev(0, 9), 1e-4)
    error, p, q = fit(x * x, np.tanh(x) / x, 4, 4)
    print(f"tanh: relative error {error:.1e} before rounding")
    print("  P:", *(f"{c:.9e}" for c in p), "\n  Q:", *(f"{c:.9e}" for c in q))
    r = chebyshev(-np.log(2) / 2, np.log(2) / 2)
    error, p, _ = fit(r, np.exp(r), 5, 0)
    print(f"exp: relative error {error:.1e} before rounding")
    print("  P:", *(f"{c:.9e}" for c in p))


if __name__ == "__main__":
    main()
