"""Where a sample ends before its length is reached: at a text, or after some line ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LINE_END = "\n"


class StopConditions:
    """A text ends before the first of `texts` in it, or after its N-th line end."""

    def __init__(self, texts: Iterable[str] = (), lines: int | None = None) -> None:
        self.texts, self.lines = tuple(text for text in texts if text), lines

    def __bool__(self) -> bool:
        return bool(self.texts) or self.lines is not None

    def truncate(self, pieces: Iterable[str]) -> Iterator[str]:
        """The text up to its end, each part as soon as it is sure."""
        truncation = Truncation(self)
        for piece in pieces:
            if sure := truncation.feed(piece):
                yield sure
            if truncation.ended:
                return
        if truncation.held:
            yield truncation.held


class Truncation:
    """One text that comes in pieces. `ended`: it has met a condition.

    `held`: what may be the beginning of a text that ends it, and is part of it if nothing follows.
    """

    def __init__(self, conditions: StopConditions) -> None:
        self._conditions, self._line_ends = conditions, 0
        self.held, self.ended = "", False

    def feed(self, piece: str) -> str:
        """What the text is sure to have, now that this piece of it is known."""
        if not self._conditions:
            return piece
        sure = []
        for character in "" if self.ended else piece:
            sure.append(self._next(character))
            if self.ended:
                break
        return "".join(sure)

    def _next(self, character: str) -> str:
        text, texts = self.held + character, self._conditions.texts
        self._line_ends += character == LINE_END
        stop = next((stop for stop in texts if text.endswith(stop)), None)
        self.ended = stop is not None or self._line_ends == self._conditions.lines
        kept = 0 if self.ended else max((_beginning(text, stop) for stop in texts), default=0)
        self.held = text[len(text) - kept :]
        return text.removesuffix(stop or "") if self.ended else text[: len(text) - kept]


def _beginning(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` begins with."""
    return next(n for n in range(min(len(stop), len(text)), -1, -1) if text.endswith(stop[:n]))
