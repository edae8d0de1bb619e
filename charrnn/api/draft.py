"""A text that somebody and a model write by turns: what `charrnn sample --interactive` runs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from charrnn.api.loaded import LoadedModel
from charrnn.api.sampler import Sampler
from charrnn.api.sampling import prepare_sampler

# What may be set, and what it is until then; None is no limit, or what the model says.
DEFAULTS: dict[str, Any] = {
    "length": 300, "temperature": 1.0, "top_k": None, "top_p": None, "seed": None, "stops": (),
    "lines": None, "allow": None, "forbid": None, "use": None, "ngram_weight": None,
    "on_unknown": None, "initial_state": None,
}  # fmt: skip


class Draft:
    """The text so far is `text`, in the symbols of the model's vocabulary.

    `settings`: as the arguments of `Model.sample`, by the names of `DEFAULTS`. With one seed the
    first continuation is what `Model.sample` gives, the next is another, and so on.
    """

    def __init__(self, model: LoadedModel, **settings: Any) -> None:
        self.model, self.text = model, ""
        self.settings = DEFAULTS | settings
        self._marks, self._put_aside = list[int](), list[tuple[str, list[int]]]()
        self._continued_at: int | None = None  # where the model's part of the turn begins
        self._is_open = False  # whether the turn has no such part yet
        self._count = 0  # continuations, which tell those of one seed apart
        self._sampler("")
        if self.settings["seed"] is None:
            self.settings["seed"] = secrets.randbelow(2**31)

    def set(self, name: str, value: Any) -> None:
        """Change a setting. Raises UsageError, and changes nothing, where it cannot be that."""
        settings = self.settings | {name: value}
        self._sampler("", settings)
        self.settings = settings
        if name == "seed":
            self._count = 0
            if value is None:
                self.settings["seed"] = secrets.randbelow(2**31)

    def add(self, text: str) -> str:
        """Put a text at the end: what of it the vocabulary has, in its symbols.

        Raises DataError for characters that it lacks, unless they are skipped or mapped.
        """
        known = self._sampler(self.model.symbols(text, "text")).prime_text
        self._begin_turn()
        self.text += known
        self._is_open = True
        return known

    def go_on(self) -> Iterator[str]:
        """Let the model go on; the text is longer by each piece that was read."""
        self._continue()
        self._count += 1
        for piece in self._sampler(self.text).stream(self._count - 1):
            self.text += piece
            yield piece

    def again(self) -> Iterator[str]:
        """Take back what the model wrote last, and let it write something else."""
        if self._continued_at is not None:
            self.text, self._is_open = self.text[: self._continued_at], True
        return self.go_on()

    def candidates(self, count: int) -> list[str]:
        """Several ways to go on, for `choose`."""
        first = self._count
        self._count += count
        return self._sampler(self.text).texts(range(first, first + count))

    def choose(self, text: str) -> None:
        """Go on with one of the candidates."""
        self._continue()
        self.text += text

    def undo(self) -> str | None:
        """Take back the last turn, what was added and what the model made of it, or `start_over`.

        Returns what was taken; None where there is nothing.
        """
        self._continued_at, self._is_open = None, False
        if self._marks:
            at = self._marks.pop()
            self.text, taken = self.text[:at], self.text[at:]
            return taken
        if not self._put_aside:
            return None
        self.text, self._marks = self._put_aside.pop()
        return ""

    def start_over(self) -> None:
        """Begin a new text; `undo` brings the old one back."""
        if self.text:
            self._put_aside.append((self.text, self._marks))
        self.text, self._marks = "", []
        self._continued_at, self._is_open = None, False

    def _begin_turn(self) -> None:
        self._marks.append(len(self.text))
        self._continued_at = None

    def _continue(self) -> None:
        """The model's part of a turn that was begun by `add`, or of one of its own."""
        if not self._is_open:
            self._begin_turn()
        self._continued_at, self._is_open = len(self.text), False

    def sampler(self) -> Sampler:
        """What samples after the text so far."""
        return self._sampler(self.text)

    def _sampler(self, text: str, settings: dict[str, Any] | None = None) -> Sampler:
        return prepare_sampler(
            self.model, text, prime_name="text", tell=lambda notice: None,
            **(settings or self.settings),
        )  # fmt: skip
