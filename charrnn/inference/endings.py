"""Where a sample ends before its length is reached: at a text, or after some line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LINE_END = "\n"


class Ending:
    """Ends a text before the first of `stops` in it, or after its N-th line end."""

    def __init__(self, stops: Iterable[str] = (), lines: int | None = None) -> None:
        self.stops, self.lines = tuple(stop for stop in stops if stop), lines

    def ready(self, characters: Iterable[str]) -> Iterator[str]:
        """The text in pieces, each as soon as it cannot be the beginning of a stop any more."""
        held, ends = "", 0
        for character in characters:
            held += character
            stop = next((stop for stop in self.stops if held.endswith(stop)), None)
            if stop is not None:
                yield held.removesuffix(stop)
                return
            ends += character == LINE_END
            if self.lines is not None and ends >= self.lines:
                yield held
                return
            keep = max((_beginning(held, stop) for stop in self.stops), default=0)
            if keep < len(held):
                yield held[: len(held) - keep]
            held = held[len(held) - keep :]
        yield held

    def cut(self, text: str) -> tuple[str, bool]:
        """The text up to its end, and whether there is one."""
        ends = [(at + len(stop), n, at) for n, stop in enumerate(self.stops)
                if (at := text.find(stop)) >= 0]  # fmt: skip
        if self.lines is not None and text.count(LINE_END) >= self.lines:
            at = len(LINE_END.join(text.split(LINE_END)[: self.lines])) + 1
            ends.append((at, len(self.stops), at))
        return (text[: min(ends)[2]], True) if ends else (text, False)


def _beginning(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    return next(n for n in range(min(len(stop), len(text)), -1, -1) if text.endswith(stop[:n]))
