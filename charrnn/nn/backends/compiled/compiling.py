"""What all compiled loops stand on: tanh and exp, one step of any cell, and how they are compiled.

tanh and exp are such that LLVM can turn them into vector code. In float64, which checks, they are
the C library's. In float32, which trains, they are

    tanh x ≈ x P(x²) / Q(x²), x cut to [-9, 9]
    exp x  = 2ⁿ exp r, n = x / ln 2 rounded, exp r ≈ P(r) on |r| ≤ ln 2 / 2, x cut to [-87, 88]

with coefficients made by scripts/fit_functions.py. Their relative errors are held to 5e-7 and 3e-7
by `tests/nn/test_compiled_functions.py`.

`step` is compiled as the cell's own module says.

Numba chooses by the type of `cell`, a NamedTuple that each cell's module defines for itself: it
has what the step needs besides the projections, such as peephole weights and constants.

Loops are told about activation functions by numbers, and by flags that are None or 1: a flag's type
decides which code is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from charrnn.nn.activations import IDENTITY, RELU, Activation
from charrnn.nn.backends.compiled.cache import LoopCache
from charrnn.nn.backends.compiled.parts import FragmentCompiler, PartCompiler
from charrnn.nn.backends.compiled.views import between

NAMES = ("beta", "alpha", "gamma", "c0", "c1", "c2")


@cache
def constants(activation: Activation, dtype: np.dtype[Any]) -> NDArray[Any]:
    """φ(a) = alpha tanh(beta a) + gamma and φ' = c0 + c1 y + c2 y²: the six numbers."""
    return np.array([getattr(activation, name) for name in NAMES], dtype)


def relu_flag(activation: Activation) -> int | None:
    return 1 if activation is RELU else None


def linear_flag(activation: Activation) -> int | None:
    return 1 if activation is IDENTITY else None


if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
_PART: dict[str, Any] = {"forceinline": True, "pipeline_class": PartCompiler}


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled for the types that it is called with from Python."""
    return _kept(njit(no_cfunc_wrapper=True, **_OPTIONS)(function))


_kept_alive: list[Any] = []  # whose addresses were handed out
_OF_OTHERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}


def part(function: Callable[..., Any]) -> Any:
    """A part of compiled functions, which only they can call, and which becomes a part of each.

    LLVM rounds a sum of products once or twice, as the code around it lets it. A part that stays a
    function is there several times, each as rounded where it was compiled, and which of them runs
    is another in the process that compiled it and in those that find it in the cache.
    """
    return njit(**_PART, **_OF_OTHERS, **_OPTIONS)(function)


def fragment(function: Callable[..., Any]) -> Any:
    """A part that is optimised only with what is around it, which takes less time to compile.

    Not for what has sums of several products: which of them is rounded once would be left open.
    """
    return njit(forceinline=True, pipeline_class=FragmentCompiler, **_OF_OTHERS, **_OPTIONS)(
        function
    )


def subroutine(function: Callable[..., Any]) -> Any:
    """What compiled functions call, too large to be in each: its sums are rounded as it says."""
    return _kept(njit(**_OF_OTHERS, **_OPTIONS)(function))


def compiled_at(function: Callable[..., Any], signature: Any) -> int:
    """The address of the function, compiled for these types, for `tile.call_at`."""
    made: Any = CFunc(
        function, (signature.args, signature.return_type), {}, {**_OPTIONS, "_nrt": False}
    )
    made._cache = LoopCache(function)
    made.compile()
    _kept_alive.append(made)
    return int(made.address)


def _kept(dispatcher: Any) -> Any:
    dispatcher._cache = LoopCache(dispatcher.py_func)
    return dispatcher


def step(x: Any, a: Any, state: Any, layer: Any, stream: Any, cell: Any, scratch: Any) -> None:
    """Advance one stream of one layer, in a compiled loop.

    x, a and scratch are `row`s: x (G,) is x_t W + b, and scratch too; a (G,) is h_{t-1} U; scratch
    (H,). state (L n, B, H): the n arrays of each layer, h first.
    """
    raise NotImplementedError


def overload_step(kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers the function below as `step` for a `cell` of this NamedTuple."""

    def add(implementation: Callable[..., None]) -> Callable[..., None]:
        @overload(step, strict=False, jit_options={**_PART, **_OPTIONS})
        def choose(
            x: Any, a: Any, state: Any, layer: Any, stream: Any, cell: Any, scratch: Any
        ) -> Callable[..., None] | None:
            return implementation if getattr(cell, "instance_class", None) is kind else None

        return implementation

    return add


f32 = np.float32
_P = [f32(c) for c in (9.999999796e-01, 1.338098444e-01, 3.495538611e-03, 2.060825613e-05,
                       1.335351712e-08)]  # fmt: skip
_Q = [f32(c) for c in (1.0, 4.671430009e-01, 2.587679520e-02, 3.285553196e-04, 7.776088769e-07)]
_P0, _P1, _P2, _P3, _P4 = _P
_Q0, _Q1, _Q2, _Q3, _Q4 = _Q
_CUT = f32(9)

_E0, _E1, _E2, _E3, _E4, _E5 = (
    f32(c) for c in (1.000000072e00, 9.999996920e-01, 4.999889485e-01, 1.666757476e-01,
                     4.191538189e-02, 8.297653256e-03)
)  # fmt: skip
_LOW, _HIGH, _HALF = f32(-87), f32(88), f32(0.5)
_LOG2_E = f32(1.4426950408889634)
# ln 2 in two parts, so that n ln 2 is exact to more than the digits of one float32.
_LN2_HEAD, _LN2_REST = f32(0.693359375), f32(-2.12194440e-4)


def tanh(x: Any) -> Any:
    """tanh of a scalar, in a compiled loop."""
    raise NotImplementedError


def exp(x: Any) -> Any:
    """exp of a scalar, in a compiled loop."""
    raise NotImplementedError


@overload(tanh, jit_options={**_PART, **_OPTIONS})
def _tanh(x: Any) -> Callable[..., Any]:
    if x is not types.float32:

        def library(x: Any) -> Any:
            return math.tanh(x)

        return library

    def rational(x: Any) -> Any:
        x = between(x, -_CUT, _CUT)
        z = x * x
        P = (((_P4 * z + _P3) * z + _P2) * z + _P1) * z + _P0
        Q = (((_Q4 * z + _Q3) * z + _Q2) * z + _Q1) * z + _Q0
        return x * P / Q

    return rational


@overload(exp, jit_options={**_PART, **_OPTIONS})
def _exp(x: Any) -> Callable[..., Any]:
    if x is not types.float32:

        def library(x: Any) -> Any:
            return math.exp(x)

        return library

    def reduced(x: Any) -> Any:
        x = between(x, _LOW, _HIGH)
        n = np.floor(x * _LOG2_E + _HALF)
        r = (x - n * _LN2_HEAD) - n * _LN2_REST
        P = ((((_E5 * r + _E4) * r + _E3) * r + _E2) * r + _E1) * r + _E0
        return P * _power_of_two(np.int32(n))

    return reduced


@intrinsic
def _power_of_two(typing_context: Any, n: Any) -> Any:
    """2ⁿ for -127 < n < 128, by writing n into a float32's exponent."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        biased = builder.add(args[0], ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(ir.IntType(32), 23)), ir.FloatType())

    return types.float32(types.int32), codegen
