"""How the parts of compiled loops are compiled: as far as the loops need them, and no further.

Numba optimises each function by itself and makes machine code of it, also of one that is only ever
inlined. Of a part LLVM's code is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class PartCompiler(Compiler):  # type: ignore[misc]
    """The pipeline of functions that are inlined wherever they are called."""

    @classmethod
    def library(cls) -> type[JITCodeLibrary]:
        return _PartLibrary

    def compile_extra(self, function: Callable[..., Any]) -> Any:
        state = self.state
        state.library = self.library()(state.targetctx.codegen(), function.__qualname__)
        return super().compile_extra(function)


class FragmentCompiler(PartCompiler):
    """The same for those that are optimised as a piece of their callers, and not before."""

    @classmethod
    def library(cls) -> type[JITCodeLibrary]:
        return _FragmentLibrary


class _PartLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM's code of a part, to be linked with what calls it."""

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """None, as Numba says it."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> type[_NoEnvironment]:
        return _NoEnvironment


class _FragmentLibrary(_PartLibrary):
    def _optimize_final_module(self) -> None:
        """Not here."""


class _NoEnvironment:
    """A part's has no address before the loop has: `cache.LoopCache` sets it then."""

    @staticmethod
    def set_env(name: str, environment: Any) -> None:
        pass
