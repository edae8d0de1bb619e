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
    """Writes the LLVM code of C[row : row+rows, panel's columns] = A[row : row+rows] @ panels."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        a_type, p_type, c_type, *_ = signature.args
        super().__init__(builder, a_type.dtype.bitwidth)
        self.a = context.make_array(a_type)(context, builder, args[0])
        self.p = context.make_array(p_type)(context, builder, args[1])
        self.c = context.make_array(c_type)(context, builder, args[2])
        self.row, self.panel = args[3:5]
        self.k = builder.extract_value(self.a.shape, 1)

    def emit(self, rows: int, panels: int) -> None:
        builder, vectors = self.builder, self.per_panel * panels
        before = builder.block
        head = builder.append_basic_block("tile.head")
        body = builder.append_basic_block("tile.body")
        done = builder.append_basic_block("tile.done")
        a_rows = [self._row(self.a, m, self.k) for m in range(rows)]
        builder.branch(head)

        builder.position_at_end(head)
        k = builder.phi(_INT)
        k.add_incoming(_int(0), before)
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        sums = [[builder.phi(self.vector) for _ in range(vectors)] for _ in range(rows)]
        for total in (total for row in sums for total in row):
            total.add_incoming(zero, before)
        builder.cbranch(builder.icmp_signed("<", k, self.k), body, done)

        builder.position_at_end(body)
        p = [self._load_panel(*divmod(j, self.per_panel), k) for j in range(vectors)]
        for m in range(rows):
            a = self.broadcast(builder.load(builder.gep(a_rows[m], [k])))
            for j in range(vectors):
                sums[m][j].add_incoming(self.multiply_add(a, p[j], sums[m][j]), body)
        k.add_incoming(builder.add(k, _int(1)), body)
        builder.branch(head)

        builder.position_at_end(done)
        self._store(sums)

    def _row(self, array: Any, m: int, width: Any) -> Any:
        row = self.builder.add(self.row, _int(m))
        return self.builder.gep(array.data, [self.builder.mul(row, width)])

    def _load_panel(self, offset: int, part: int, k: Any) -> Any:
        builder = self.builder
        panel = builder.add(self.panel, _int(offset))
        at = builder.mul(builder.add(builder.mul(panel, self.k), k), _int(self.columns))
        return self.load(builder.gep(self.p.data, [builder.add(at, _int(part * self.lanes))]))

    def _store(self, sums: list[list[Any]]) -> None:
        builder = self.builder
        width = builder.extract_value(self.c.shape, 1)
        column = builder.mul(self.panel, _int(self.columns))
        for m, row in enumerate(sums):
            start = builder.gep(self._row(self.c, m, width), [column])
            for j, total in enumerate(row):
                self.store(total, builder.gep(start, [_int(j * self.lanes)]))


def tile(rows: int, panels: int) -> Any:
    """A function (A, P, C, row, panel) of compiled code that fills one tile of C = A @ P."""

    @intrinsic
    def emit(typing_context: Any, A: Any, P: Any, C: Any, row: Any, panel: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _Tile(context, builder, signature, args).emit(rows, panels)
            return context.get_dummy_value()

        return types.void(A, P, C, types.intp, types.intp), codegen

    return emit


@intrinsic
def rows_tile(typing_context: Any, A: Any, P: Any, C: Any, row: Any, panel: Any, rows: Any) -> Any:
    """The tile of one panel and of `rows` rows, from 1 to `MOST_ROWS`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        end = builder.append_basic_block("tile.end")
        cases = [builder.append_basic_block("tile.rows") for _ in range(MOST_ROWS)]
        choice = builder.switch(args[5], end)
        for rows, case in enumerate(cases, 1):
            choice.add_case(_int(rows), case)
            builder.position_at_end(case)
            _Tile(context, builder, signature, args).emit(rows, 1)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(A, P, C, types.intp, types.intp, types.intp), codegen


@intrinsic
def copy_panel_row(typing_context: Any, U: Any, P: Any, k: Any, panel: Any) -> Any:
    """P[panel, k] = U[k, panel's columns], a vector at a time."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _PanelRow(context, builder, signature, args).emit()
        return context.get_dummy_value()

    return types.void(U, P, types.intp, types.intp), codegen


class _PanelRow(_Vectors):
    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        u_type, p_type, *_ = signature.args
        super().__init__(builder, u_type.dtype.bitwidth)
        self.u = context.make_array(u_type)(context, builder, args[0])
        self.p = context.make_array(p_type)(context, builder, args[1])
        self.k, self.panel = args[2], args[3]

    def emit(self) -> None:
        builder = self.builder
        height, width = (builder.extract_value(self.u.shape, axis) for axis in (0, 1))
        column = builder.mul(self.panel, _int(self.columns))
        source = builder.gep(self.u.data, [builder.add(builder.mul(self.k, width), column)])
        row = builder.add(builder.mul(self.panel, height), self.k)
        target = builder.gep(self.p.data, [builder.mul(row, _int(self.columns))])
        for start in range(0, self.columns, self.lanes):
            loaded = self.load(builder.gep(source, [_int(start)]))
            self.store(loaded, builder.gep(target, [_int(start)]))


@intrinsic
def transpose_tiles(typing_context: Any, U: Any, P: Any, k: Any, panel: Any) -> Any:
    """P[panel, k : k + lanes] = U[panel's columns, k : k + lanes]ᵀ, in square tiles."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _TransposedPanelRows(context, builder, signature, args).emit()
        return context.get_dummy_value()

    return types.void(U, P, types.intp, types.intp), codegen


class _TransposedPanelRows(_PanelRow):
    def emit(self) -> None:
        builder = self.builder
        width = builder.extract_value(self.u.shape, 1)
        first = builder.mul(self.panel, _int(self.columns))
        row = builder.add(builder.mul(self.panel, width), self.k)
        target = builder.mul(row, _int(self.columns))
        for left in range(0, self.columns, self.lanes):
            rows = []
            for row in range(left, left + self.lanes):
                start = builder.mul(builder.add(first, _int(row)), width)
                rows.append(self.load(builder.gep(self.u.data, [builder.add(start, self.k)])))
            for row, vector in enumerate(self._transposed(rows)):
                at = builder.add(target, _int(row * self.columns + left))
                self.store(vector, builder.gep(self.p.data, [at]))

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
