"""Rows of arrays as bare pointers, which take a third of the time to compile that slices take.

Indexing an array makes Numba write code for negative indices, strides and reference counts, most of
which LLVM then removes. What is here holds for C-contiguous arrays and indices within them, and
checks neither; an array of another layout is a TypingError.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def row(typing_context: Any, array: Any, index: Any) -> Any:
    """A pointer to the last axis of `array` at an index of all others; None of None."""
    if isinstance(array, types.NoneType):
        return array(array, index), lambda context, *_: context.get_dummy_value()
    if array.layout != "C" or len(index) != array.ndim - 1:
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(array)(context, builder, args[0])
        shape = cgutils.unpack_tuple(builder, made.shape)
        at = ir.Constant(ir.IntType(64), 0)
        for axis, i in enumerate(cgutils.unpack_tuple(builder, args[1])):
            i = context.cast(builder, i, index[axis], types.intp)
            at = builder.add(builder.mul(at, shape[axis]), i)
        return builder.gep(made.data, [builder.mul(at, shape[-1])])

    return types.CPointer(array.dtype)(array, index), codegen


@intrinsic
def ahead(typing_context: Any, pointer: Any, count: Any) -> Any:
    """The pointer moved by so many elements; None of None."""
    if isinstance(pointer, types.NoneType):
        return pointer(pointer, count), lambda context, *_: context.get_dummy_value()

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), codegen


@intrinsic
def plane(typing_context: Any, array: Any, t: Any) -> Any:
    """array[t], of three axes or more."""
    if array.layout != "C" or array.ndim < 3:
        return None
    made_type = types.Array(array.dtype, array.ndim - 1, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = context.make_array(array)(context, builder, args[0])
        _, *shape = cgutils.unpack_tuple(builder, whole.shape)
        data = builder.gep(whole.data, [builder.mul(args[1], reduce(builder.mul, shape))])
        return _array_at(context, builder, made_type, data, shape)

    return made_type(array, types.intp), codegen


def _array_at(context: Any, builder: Any, made_type: Any, data: Any, shape: list[Any]) -> Any:
    """A C-contiguous array that owns no memory."""
    made = context.make_array(made_type)(context, builder)
    size = context.get_constant(types.intp, made_type.dtype.bitwidth // 8)
    strides = [size]
    for axis in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], axis))
    made.data, made.itemsize = data, size
    made.shape = cgutils.pack_array(builder, shape)
    made.strides = cgutils.pack_array(builder, strides)
    for name in ("meminfo", "parent"):
        setattr(made, name, cgutils.get_null_value(getattr(made, name).type))
    return made._getvalue()


@intrinsic
def number(typing_context: Any, like: Any, value: Any) -> Any:
    """A constant in the type of what a pointer or an array holds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[1], types.float64, like.dtype)

    return like.dtype(like, types.float64), codegen


@intrinsic
def between(typing_context: Any, x: Any, low: Any, high: Any) -> Any:
    """min(max(x, low), high), NaN where x is."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, low, high = args
        x = builder.select(builder.fcmp_ordered(">", low, x), low, x)
        return builder.select(builder.fcmp_ordered("<", high, x), high, x)

    return x(x, x, x), codegen
