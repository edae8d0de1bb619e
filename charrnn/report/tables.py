"""A table as text for a terminal, as Markdown, and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from charrnn.errors import printable

Form = Literal["text", "markdown", "latex"]
FORMS = ("text", "markdown", "latex")

# What Markdown (with its tables and formulas) would take for markup.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~$&#]")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    "±": r"$\pm$", "×": r"$\times$", "→": r"$\to$", "…": r"\dots{}", "\u2212": "$-$",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """`align`: l or r for each column. `notes`: lines below it."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str
    notes: Sequence[str] = ()

    def render(self, form: Form = "text") -> str:
        """The table; what the cells hold is shown as it is, whatever a format would make of it."""
        heads = [one_line(head) for head in self.heads]
        rows = [[one_line(cell) for cell in row] for row in self.rows]
        notes = [one_line(note) for note in self.notes]
        if form == "markdown":
            return "\n".join(_markdown(heads, rows, self.align, notes))
        if form == "latex":
            return "\n".join(_latex(heads, rows, self.align, notes))
        return "\n".join([*_text([heads, *rows], self.align), *notes])


def one_line(text: str) -> str:
    """A text that may come from a file, in one line and without what moves a cursor."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def in_markdown(text: str) -> str:
    """A text as Markdown shows it unchanged."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}", text)


def in_latex(text: str) -> str:
    """A text as LaTeX sets it unchanged. Two dashes, or commas, would become another character."""
    escaped = "".join(_LATEX.get(character, character) for character in text)
    return re.sub("-(?=-)|,(?=,)", lambda found: f"{found[0]}{{}}", escaped)


def _text(lines: Sequence[Sequence[str]], align: str) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, align, strict=True)
        yield "  ".join(c.rjust(w) if a == "r" else c.ljust(w) for c, w, a in cells).rstrip()


def _markdown(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: str, notes: Sequence[str]
) -> Iterator[str]:
    yield _piped(map(in_markdown, heads))
    yield _piped("---:" if side == "r" else "---" for side in align)
    for row in rows:
        yield _piped(map(in_markdown, row))
    for note in notes:
        yield f"\n{in_markdown(note)}"


def _piped(cells: Sequence[str] | Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _latex(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: str, notes: Sequence[str]
) -> Iterator[str]:
    yield r"% in the preamble: \usepackage{booktabs,textcomp}"
    yield rf"\begin{{tabular}}{{{align}}}"
    yield r"\toprule"
    yield _row(heads)
    yield r"\midrule"
    yield from map(_row, rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for note in notes:
        yield f"% {note}"


def _row(cells: Sequence[str]) -> str:
    # A row that begins with a bracket would be an argument of the \\ before it.
    text = " & ".join(map(in_latex, cells))
    return ("{}" if text.startswith(("[", "*")) else "") + text + r" \\"
