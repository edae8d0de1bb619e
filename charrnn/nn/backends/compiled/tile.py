"""Vector code for the product of a few rows with a packed matrix, written as LLVM instructions.

Numba compiles scalar loops; sums that stay in vector registers while k runs have to be asked for.
`product` puts these pieces together.

A vector is as wide as the processor's that Numba compiles for, and so is part of the key by which
compiled loops are found on disk. Each column is summed in a lane of its own, from the first k to
the last: the width changes no bit of the result.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

PANEL_BYTES = 64


def _vector_bytes(features: str) -> int:
    """Of LLVM's names of what a processor has, such as "+avx,+avx2,-avx512f"."""
    present = set(features.split(","))
    return 64 if "+avx512f" in present else 32 if "+avx" in present else 16


VECTOR_BYTES = _vector_bytes(cpu_target.target_context.codegen().magic_tuple()[2])
# As many sums as keep the multipliers busy and, with what they are made of, fit in the registers:
# 32 with AVX-512, 16 with AVX, and with what is narrower 16 at least.
MOST_ROWS = {64: 8, 32: 6, 16: 3}[VECTOR_BYTES]
_INT = ir.IntType(64)


def _int(value: int) -> ir.Constant:
    return ir.Constant(_INT, value)


class _Vectors:
    """What writing vector code of one floating-point type needs."""

    def __init__(self, builder: Any, bits: int) -> None:
        self.builder, self.bits = builder, bits
        self.lanes = 8 * VECTOR_BYTES // bits
        self.per_panel = PANEL_BYTES // VECTOR_BYTES
        self.columns = self.per_panel * self.lanes
        element = ir.FloatType() if bits == 32 else ir.DoubleType()
        self.vector = ir.VectorType(element, self.lanes)

    def load(self, pointer: Any) -> Any:
        loaded = self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()))
        loaded.align = self.bits // 8
        return loaded

    def store(self, value: Any, pointer: Any) -> None:
        pointer = self.builder.bitcast(pointer, self.vector.as_pointer())
        self.builder.store(value, pointer).align = self.bits // 8

    def broadcast(self, scalar: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, undefined, lanes)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        # fmuladd is one instruction where the processor has it, and two where it has not.
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(self.vector, [self.vector] * 3),
            f"llvm.fmuladd.v{self.lanes}f{self.bits}",
        )
        return self.builder.call(function, [a, b, c])


class _Tile(_Vectors):
    """Writes the LLVM code of a tile of C = A P, or, where `keep` is not 0, of C += A P.

    All are pointers to where the tile begins; a row, a k, and a panel of each are so many elements
    further. A panel's columns are next to one another in P and in C.
    """

    def __init__(self, builder: Any, signature: Any, args: Any) -> None:
        super().__init__(builder, signature.args[0].dtype.bitwidth)
        (self.a, self.a_row, self.a_k, self.p, self.p_k, self.p_panel, self.c, self.c_row, self.k,
         self.keep) = args[:10]  # fmt: skip

    def emit(self, rows: int, panels: int) -> None:
        builder = self.builder
        before = builder.block
        head = builder.append_basic_block("tile.head")
        body = builder.append_basic_block("tile.body")
        done = builder.append_basic_block("tile.done")
        a_rows = [self._ahead(self.a, m, self.a_row) for m in range(rows)]
        p_panels = [self._ahead(self.p, panel, self.p_panel) for panel in range(panels)]
        at = [
            [builder.gep(row, [_int(j * self.lanes)]) for j in range(panels * self.per_panel)]
            for row in (self._ahead(self.c, m, self.c_row) for m in range(rows))
        ]
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        keep = builder.icmp_signed("!=", self.keep, _int(0))
        first = [[builder.select(keep, self.load(c), zero) for c in row] for row in at]
        builder.branch(head)

        builder.position_at_end(head)
        k, in_a, in_p = (builder.phi(_INT) for _ in range(3))
        sums = [[builder.phi(self.vector) for _ in row] for row in at]
        for index in (k, in_a, in_p):
            index.add_incoming(_int(0), before)
        for row, firsts in zip(sums, first, strict=True):
            for total, value in zip(row, firsts, strict=True):
                total.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", k, self.k), body, done)

        builder.position_at_end(body)
        p = [
            self.load(builder.gep(panel, [builder.add(in_p, _int(part * self.lanes))]))
            for panel in p_panels
            for part in range(self.per_panel)
        ]
        for start, row in zip(a_rows, sums, strict=True):
            a = self.broadcast(builder.load(builder.gep(start, [in_a])))
            for vector, total in zip(p, row, strict=True):
                total.add_incoming(self.multiply_add(a, vector, total), body)
        for index, step in ((k, _int(1)), (in_a, self.a_k), (in_p, self.p_k)):
            index.add_incoming(builder.add(index, step), body)
        builder.branch(head)

        builder.position_at_end(done)
        for row, pointers in zip(sums, at, strict=True):
            for total, c in zip(row, pointers, strict=True):
                self.store(total, c)

    def _ahead(self, pointer: Any, count: int, size: Any) -> Any:
        return self.builder.gep(pointer, [self.builder.mul(size, _int(count))])


def _tile_type(a: Any, *more: Any) -> Any:
    one = types.intp
    return types.void(a, one, one, a, one, one, a, one, one, one, *more)


def product_types(element: Any) -> Any:
    """The types of `product._product`, of float32 or float64."""
    a, one = types.CPointer(element), types.intp
    return types.void(a, one, one, a, one, one, a, one, one, one, one, one, one)


def pack_types(element: Any) -> Any:
    """The types of `product._pack` and `product._pack_transposed`, of float32 or float64."""
    a, one = types.CPointer(element), types.intp
    return types.void(a, one, one, a, one)


@intrinsic
def call_at(typing_context: Any, address: Any, *arguments: Any) -> Any:
    """Call what `compiled_at` has compiled, of pointers and whole numbers."""
    given = types.StarArgTuple(
        [a if isinstance(a, types.CPointer) else types.intp for a in arguments]
    )

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = [context.get_value_type(kind) for kind in given]
        kind = ir.FunctionType(ir.VoidType(), kinds)
        values = cgutils.unpack_tuple(builder, args[1])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)
        return context.get_dummy_value()

    return types.void(types.intp, given), codegen


@intrinsic
def lanes_of(typing_context: Any, pointer: Any) -> Any:
    """Columns of a panel of what a pointer holds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _int(8 * PANEL_BYTES // pointer.dtype.bitwidth)

    return types.intp(pointer), codegen


def row_tile(panels: int) -> Any:
    """The tile of one row and so many panels, which lie next to one another in C."""

    @intrinsic
    def emit(
        typing_context: Any, a: Any, a_row: Any, a_k: Any, p: Any, p_k: Any, p_panel: Any, c: Any,
        c_row: Any, k: Any, keep: Any,
    ) -> Any:  # fmt: skip
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _Tile(builder, signature, args).emit(1, panels)
            return context.get_dummy_value()

        return _tile_type(a), codegen

    return emit


@intrinsic
def rows_tile(
    typing_context: Any, a: Any, a_row: Any, a_k: Any, p: Any, p_k: Any, p_panel: Any, c: Any,
    c_row: Any, k: Any, keep: Any, rows: Any,
) -> Any:  # fmt: skip
    """The tile of one panel and of `rows` rows, from 1 to `MOST_ROWS`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        end = builder.append_basic_block("tile.end")
        cases = [builder.append_basic_block("tile.rows") for _ in range(MOST_ROWS)]
        choice = builder.switch(args[10], end)
        for rows, case in enumerate(cases, 1):
            choice.add_case(_int(rows), case)
            builder.position_at_end(case)
            _Tile(builder, signature, args).emit(rows, 1)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return _tile_type(a, types.intp), codegen


def _copied(u: Any, p: Any, kind: type[_PanelRow]) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind(builder, signature, args).emit()
        return context.get_dummy_value()

    one = types.intp
    return types.void(u, one, p, one, one, one), codegen


@intrinsic
def copy_panel_row(
    typing_context: Any, u: Any, width: Any, p: Any, height: Any, k: Any, panel: Any
) -> Any:
    """P[panel, k] = U[k, panel's columns], a vector at a time: U (·, width), P (·, height, ·)."""
    return _copied(u, p, _PanelRow)


class _PanelRow(_Vectors):
    def __init__(self, builder: Any, signature: Any, args: Any) -> None:
        super().__init__(builder, signature.args[0].dtype.bitwidth)
        self.u, self.width, self.p, self.height, self.k, self.panel = args

    def emit(self) -> None:
        builder = self.builder
        column = builder.mul(self.panel, _int(self.columns))
        source = builder.gep(self.u, [builder.add(builder.mul(self.k, self.width), column)])
        row = builder.add(builder.mul(self.panel, self.height), self.k)
        target = builder.gep(self.p, [builder.mul(row, _int(self.columns))])
        for start in range(0, self.columns, self.lanes):
            loaded = self.load(builder.gep(source, [_int(start)]))
            self.store(loaded, builder.gep(target, [_int(start)]))


@intrinsic
def transpose_tiles(
    typing_context: Any, u: Any, width: Any, p: Any, height: Any, k: Any, panel: Any
) -> Any:
    """P[panel, k : k + lanes] = U[panel's columns, k : k + lanes]ᵀ, in square tiles."""
    return _copied(u, p, _TransposedPanelRows)


class _TransposedPanelRows(_PanelRow):
    def emit(self) -> None:
        builder = self.builder
        first = builder.mul(self.panel, _int(self.columns))
        row = builder.add(builder.mul(self.panel, self.height), self.k)
        target = builder.mul(row, _int(self.columns))
        for left in range(0, self.columns, self.lanes):
            rows = []
            for row in range(left, left + self.lanes):
                start = builder.mul(builder.add(first, _int(row)), self.width)
                rows.append(self.load(builder.gep(self.u, [builder.add(start, self.k)])))
            for row, vector in enumerate(self._transposed(rows)):
                at = builder.add(target, _int(row * self.columns + left))
                self.store(vector, builder.gep(self.p, [at]))

    def _transposed(self, rows: list[Any]) -> list[Any]:
        """Of a square tile: interleaving its upper with its lower half, log₂ of its side times."""
        middle = self.lanes // 2
        for _ in range(middle.bit_length()):
            rows = [
                self._interleaved(rows[row], rows[row + middle], start)
                for row in range(middle)
                for start in (0, middle)
            ]
        return rows

    def _interleaved(self, a: Any, b: Any, start: int) -> Any:
        """a₀ b₀ a₁ b₁ … of half of their elements, from `start` on."""
        half = range(start, start + self.lanes // 2)
        chosen = [i + side for i in half for side in (0, self.lanes)]
        order = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), chosen)
        return self.builder.shuffle_vector(a, b, order)
