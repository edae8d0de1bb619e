"""`charrnn sample --interactive`: a text that is written by turns, in a terminal."""

from __future__ import annotations

import codecs
import difflib
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from charrnn.api.arguments import CHOICES, NUMBERS
from charrnn.api.draft import DEFAULTS, Draft
from charrnn.api.model import Model
from charrnn.api.writing import save_text
from charrnn.cli import next_characters
from charrnn.cli.line_input import read_line, with_history
from charrnn.cli.options import unescaped
from charrnn.cli.spelling import as_command
from charrnn.cli.streams import echo
from charrnn.errors import CharrnnError, Reference, UsageError, argument, printable, render
from charrnn.runtime.signals import StopSignal

CANDIDATES, LIKELIEST = 3, 10  # shown unless another number is given
MOST_CANDIDATES = 9
SETTINGS = {name.replace("_", "-"): name for name in DEFAULTS if name != "stops"} | {
    "stop": "stops"
}
HELP = """\
A line is added to the text as it is, \\n in it being a line end, and the model goes on.
Enter alone lets it go on. Ctrl-C stops it.
  /again           another text in place of the last
  /choices [N]     N ways to go on, of which you take one
  /undo            take back the last turn
  /new             begin a new text
  /text            show all of the text
  /next [N]        the likeliest next characters
  /save FILE       write the text to a file
  /settings        show all settings
  /temperature X   and so /length /top-k /top-p /seed /lines /stop /allow /forbid /use
                   /ngram-weight /on-unknown
                   /initial-state; `none` takes one away
  /help  /quit     (or Ctrl-D)
A command may be cut short: /temp 0.5. A text that begins with / is typed with two."""


def require_terminal() -> None:
    """Raise UsageError where nobody could type or read."""
    for stream, name in ((sys.stdin, "stdin"), (sys.stdout, "stdout")):
        if stream is None or not stream.isatty():
            raise UsageError(
                f"{name} is no terminal, and {argument('interactive')} needs one",
                then=f"without it a sample is written to stdout; {argument('prime_file', '-')} "
                "reads a prime from a pipe",
            )


def interact(model: Model, text: str, settings: dict[str, Any]) -> None:
    """Read and answer lines until the user leaves; `text`, in symbols, is the first of them."""
    draft = Draft(model, **settings)
    desk = Desk(draft)
    echo(desk.introduction())
    with with_history(f"/{name}" for name in (*desk.commands, *SETTINGS)):
        if text:
            desk.guarded(lambda: desk.take(text))
        while not desk.left:
            desk.guarded(desk.turn)


class Desk:
    """Reads a line, does what it says, and shows what came of it."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.left = draft, False
        self._saved: Path | None = None
        self.commands: dict[str, Callable[[str], None]] = {
            "again": lambda _: self._show(draft.again()),
            "choices": self._choices, "undo": self._undo, "new": self._new,
            "text": lambda _: self._echo([draft.text]), "next": self._next, "save": self._save,
            "settings": self._settings, "help": lambda _: echo(HELP), "quit": self._quit,
            "exit": self._quit,
        }  # fmt: skip

    def introduction(self) -> str:
        """What is here, in two lines."""
        model, config = self.draft.model, self.draft.model.config.model
        used = "the network mixed with its n-gram" if self.draft.sampler().mixed else "the network"
        return (
            f"{printable(str(model.path))}: {config.cell}, {config.num_layers} × "
            f"{config.hidden_size}; {used}\n"
            "Type a text, and the model goes on. /help lists the commands, Ctrl-D leaves."
        )

    def guarded(self, action: Callable[[], None]) -> None:
        """Do it; a mistake is told, and Ctrl-C ends what is done, and neither ends the program."""
        try:
            action()
        except CharrnnError as error:
            echo(f"error: {render(error.message, _as_typed)}", err=True)
        except KeyboardInterrupt:
            echo("\n(/quit or Ctrl-D leaves)")

    def turn(self) -> None:
        """Read a line and answer it."""
        line = read_line("> ")
        if line is None:
            self._quit("")
        elif line.startswith("/") and not line.startswith("//"):
            word, _, rest = line[1:].partition(" ")
            self._do(word, rest.strip())
        elif line:
            self.take(unescaped(line.removeprefix("/") if line.startswith("//") else line) or "")
        else:
            self._show(self.draft.go_on())

    def take(self, text: str) -> None:
        """Add a text and let the model go on."""
        known = self.draft.add(text)
        self._show(self.draft.go_on(), before=known)

    def _do(self, word: str, rest: str) -> None:
        names = [*self.commands, *SETTINGS]
        found = [name for name in names if name.startswith(word)] if word else []
        if word in names:
            found = [word]
        if len(found) > 1:
            raise UsageError(f"/{word} may be {', '.join('/' + name for name in found)}")
        if not found:
            near = difflib.get_close_matches(word, names, 1)
            hint = f"did you mean /{near[0]}?" if near else "/help lists the commands"
            raise UsageError(f"there is no command /{word}", then=hint)
        (name,) = found
        if name in self.commands:
            self.commands[name](rest)
        else:
            if rest:
                self.draft.set(SETTINGS[name], _parsed(SETTINGS[name], rest))
            echo(f"/{name} {self._value(SETTINGS[name])}")

    def _show(self, pieces: Iterable[str], before: str = "") -> None:
        """Write pieces as they come; Ctrl-C stops it, and what has come is kept."""
        with StopSignal(embedded=True, numbers=[signal.SIGINT]) as stop:
            self._echo(_until(pieces, stop, before))
        if stop.requested:
            echo("(stopped)")

    def _echo(self, pieces: Iterable[str]) -> None:
        last, shown = "\n", _Shown(self.draft.model.vocabulary.unit)
        for piece in map(self.draft.model.layout.shown, pieces):
            if text := shown(piece):
                echo(text, nl=False)
                sys.stdout.flush()
                last = text
        if not last.endswith("\n"):
            echo()

    def _choices(self, rest: str) -> None:
        count = _number(rest, CANDIDATES, MOST_CANDIDATES)
        candidates = self.draft.candidates(count)
        for number, text in enumerate(candidates, 1):
            self._echo([f"[{number}] ", text])
        answer = (read_line(f"which, 1 to {count}? ", remember=False) or "").strip()
        if answer in {str(number) for number in range(1, count + 1)}:
            self.draft.choose(candidates[int(answer) - 1])
        else:
            echo("none is taken")

    def _undo(self, rest: str) -> None:
        taken = self.draft.undo()
        if taken is None:
            echo("there is nothing to take back")
        else:
            echo(f"taken back; the text has {len(self.draft.text):,} characters")

    def _new(self, rest: str) -> None:
        self.draft.start_over()
        echo("a new text; /undo brings the old one back")

    def _next(self, rest: str) -> None:
        top = _number(rest, LIKELIEST, None)
        echo(next_characters.as_table(self.draft.sampler(), top))

    def _save(self, rest: str) -> None:
        if not rest:
            raise UsageError("a file's name belongs after /save")
        path = Path(rest).expanduser()
        unit = self.draft.model.vocabulary.unit
        text = self.draft.model.layout.shown(self.draft.text)
        data = text.encode("latin-1" if unit == "byte" else "utf-8", "surrogatepass")
        save_text(path, data, replace=path == self._saved)
        self._saved = path
        echo(f"{path}: {len(data):,} bytes")

    def _settings(self, rest: str) -> None:
        for shown, name in SETTINGS.items():
            echo(f"/{shown:13} {self._value(name)}")

    def _value(self, name: str) -> str:
        value = self.draft.settings[name]
        if name == "use" and value is None:
            return self.draft.sampler().used
        if name in ("allow", "forbid", "stops") and value is not None:
            return ascii(value if isinstance(value, str) else "".join(value)) if value else "none"
        return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def _quit(self, rest: str) -> None:
        self.left = True


class _Shown:
    """Symbols as a terminal shows them: bytes as UTF-8, and nothing that moves its cursor."""

    def __init__(self, unit: str) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if unit == "byte" else None

    def __call__(self, piece: str) -> str:
        if self._decoder is not None:
            piece = self._decoder.decode(piece.encode("latin-1"))
        return printable(piece)


def _until(pieces: Iterable[str], stop: StopSignal, before: str) -> Iterable[str]:
    yield before
    for piece in pieces:
        yield piece
        if stop.requested:
            return


def _parsed(name: str, word: str) -> Any:
    """A setting's value from what was typed."""
    if word == "none" and (DEFAULTS[name] is None or name == "stops"):
        return DEFAULTS[name]
    if name == "stops":
        return (unescaped(word) or "",)
    if name in CHOICES:
        return word
    if name not in NUMBERS:
        return unescaped(word)
    return _as_number(word, whole=NUMBERS[name].whole)


def _as_number(word: str, *, whole: bool) -> int | float:
    try:
        return int(word) if whole else float(word)
    except ValueError:
        raise UsageError(f"{word!r} is not a number") from None


def _number(word: str, otherwise: int, most: int | None) -> int:
    number = int(_as_number(word, whole=True)) if word else otherwise
    if number < 1 or (most is not None and number > most):
        limits = "at least 1" if most is None else f"from 1 to {most}"
        raise UsageError(f"{number} is not {limits}")
    return number


def _as_typed(reference: Reference) -> str:
    """An argument as the command that sets it here."""
    if reference.name == "text":
        return "the text"
    if reference.name in DEFAULTS:
        return "/" + ("stop" if reference.name == "stops" else reference.name.replace("_", "-"))
    return as_command(reference)
