"""Values and bytes that programs choke on, and mutations that all kinds of files share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 7, 1000, 10**6, 2**31, 2**53, 2**63, 2**64, 10**30, 10**400,
    -(2**63), 0.5, -0.0, 0.1, 1.5, -1.5, 1e-300, 1e308, -1e308, 5e-324, "", "a", "\n", "é",
    "\ud800", "x" * 300, "y" * 20_000, "../../etc/passwd", "\0", "%s{0}", "nan", "none", "utf-16",
    "idna", "punycode", "unicode_escape", "hex", "undefined", "lstm", "gru", "rnn", "lines",
    "stream", "byte", "char", "full", "1997", "numba", "float64", "adamw", "plateau", "/dev/null",
    "records", "blocks", "blank", "file",
    "text.txt", ".", [], [1], [[]], {}, {"a": 1}, [0] * 1000, ["text.txt"] * 50,
    [0.5, 0.25, 0.25], [1, 0, 0], [0.0, 0.0], [-1, -1], [10**30, 0],
]  # fmt: skip
ODD_BYTES = [
    b"\0", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80",
    b"\r\n", b"\r", b"\n\n", b"\x1b[31m", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\x85",
    b"\xf0\x9f\x98\x80",
]  # fmt: skip

BytesMutator = Callable[[Random, bytes], bytes]


def flip_bits(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(rng: Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(rng: Random, data: bytes) -> bytes:
    """A stretch copied over, or in between, somewhere else."""
    start, to = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    piece = data[start : start + rng.choice([1, 8, 100, 1000])]
    return data[:to] + piece + data[to + rng.choice([0, len(piece)]) :]


def insert_odd(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(ODD_BYTES) * rng.choice([1, 1, 3, 50]) + data[at:]


def insert_noise(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice([1, 4, 100, 5000])) + data[at:]


BYTES: list[BytesMutator] = [flip_bits, truncate, splice, insert_odd, insert_noise]


def mutate_bytes(rng: Random, data: bytes) -> tuple[str, bytes]:
    """One to three mutations of bytes, and their names."""
    names = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        mutator = rng.choice(BYTES)
        names.append(mutator.__name__)
        data = mutator(rng, data)
    return " ".join(names), data


def places(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in nested dicts and lists; of a long list only some."""
    if isinstance(values, dict):
        for key, item in values.items():
            yield (*path, key)
            yield from places(item, (*path, key))
    elif isinstance(values, list):
        for index, item in list(enumerate(values))[:5]:
            yield (*path, index)
            yield from places(item, (*path, index))


def some_place(rng: Random, values: Any) -> tuple[Any, ...]:
    """A path whose first key is as likely as any other, so that large sections are no likelier."""
    paths = list(places(values))
    first = rng.choice(sorted({path[0] for path in paths}))
    return rng.choice([path for path in paths if path[0] == first])


def at(values: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        values = values[part]
    return values


def put(values: Any, path: tuple[Any, ...], value: Any) -> None:
    at(values, path[:-1])[path[-1]] = value


def remove(values: Any, path: tuple[Any, ...]) -> None:
    del at(values, path[:-1])[path[-1]]


def value_for(rng: Random, path: tuple[Any, ...]) -> Any:
    """A hostile value; never one with which a valid file asks for hours of work."""
    value = rng.choice(VALUES)
    if path[-1:] == ("sample_length",) and isinstance(value, int):
        return min(value, 1000)
    return value
