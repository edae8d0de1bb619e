"""What a checkpoint's metadata must be before anything relies on it.

A file with a right hash may still have been made by hand: every type and range that the rest of
the program takes for granted is checked here, once. Older formats are brought up to the newest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from charrnn.config.schema import RECORD_END

FORMAT = 3
CONVENTIONS = 3
Arrays = Mapping[str, NDArray[Any]]
Meta = dict[str, Any]
Step = Callable[[Arrays, Meta], tuple[Arrays, Meta]]


def _from_1(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    return arrays, {"rate_scale": 1.0, "rollbacks": 0, "conventions": 1, **meta}


def _from_2(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    return arrays, {"conventions": 2, **meta}


STEPS: Mapping[int, Step] = {1: _from_1, 2: _from_2}


def migrate(arrays: Arrays, meta: Meta) -> tuple[Arrays, Meta]:
    """The same checkpoint in the newest format; `meta["format"]` is one that is known."""
    while meta["format"] != FORMAT:
        number = meta["format"]
        arrays, meta = STEPS[number](arrays, meta)
        meta = {**meta, "format": number + 1}
    return arrays, meta


# JSON that is parsed may take some twenty times its size in memory. A vocabulary of every code
# point there is takes 18 MB.
MAX_CHARACTERS = 32 * 2**20
MAX_DEPTH = 32


def as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _symbols(value: list[Any]) -> list[Any]:
    if not value or not all(isinstance(symbol, str) and len(symbol) == 1 for symbol in value):
        raise ValueError("every symbol should be one character")
    if len(set(value)) != len(value):
        raise ValueError("a symbol stands twice")
    return value


Count = Annotated[int, Field(ge=0, le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the metadata, with the types that it must have. Other keys are left to others."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


Kind = TypeVar("Kind", bound=Section)


class StoredVocabulary(Section):
    unit: Literal["char", "byte"]
    symbols: Annotated[list[Any], AfterValidator(_symbols)]


class Metadata(Section):
    """Which model a checkpoint holds; what training continues from is in `values` besides.

    `values` are all of the plain JSON values, as they are written.
    """

    config: dict[Any, Any]
    vocabulary: StoredVocabulary
    corpus_sha256: str
    step: Count
    format: int = FORMAT
    final: bool = False  # written after an evaluation that only the end of the run caused
    text_characters: Count | None = None  # not in those of early versions
    text_bytes: dict[Any, Count] = {}  # a file's name need not be valid Unicode
    _values: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def values(self) -> Mapping[str, Any]:
        return self._values

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Metadata:
        """Raises ValueError that names the first field which is missing or not what it must be."""
        found = validated(cls, values)
        found._values = values
        symbols = found.vocabulary.symbols
        if found.vocabulary.unit == "byte" and max({*symbols} - {RECORD_END}, default="") > "\xff":
            raise ValueError("its metadata, vocabulary: a byte is above 255")
        return found

    def replaced(self, **values: Any) -> Metadata:
        """The same with other values."""
        return Metadata.of({**self._values, **values})


def parse(raw: str) -> dict[str, Any]:
    """The JSON object. Raises ValueError for what is not one, or not one by RFC 8259."""
    if len(raw) > MAX_CHARACTERS:
        raise ValueError(f"its metadata is longer than {MAX_CHARACTERS:,} characters")
    try:
        meta = json.loads(
            raw, object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
        )
    except RecursionError:
        raise ValueError("its metadata is nested too deeply") from None
    if not isinstance(meta, dict):
        raise ValueError("its metadata is no object")
    _bound_depth(meta)
    return meta


def validated(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """The values with their types. Raises ValueError that names the first which is wrong."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"][:2]))
        raise ValueError(f"its metadata, {field}: {first['msg'].lower()}") from None


def _bound_depth(meta: dict[str, Any]) -> None:
    """What reads it later may recurse."""
    level: list[Any] = [meta]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value)
            if isinstance(item, dict | list)
        ]
    if level:
        raise ValueError(f"its metadata is nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("its metadata has a key twice")
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"its metadata holds {name}, which is not a number")


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("its metadata holds a number that is too large")
    return value
