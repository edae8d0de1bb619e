"""Word wrap that can be undone, so that it neither adds nor hides information."""

from __future__ import annotations

WIDTH = 70


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def wrap(text: str, width: int = WIDTH) -> str:
    """Break long lines at spaces; the pieces keep the indentation of their line."""
    out: list[str] = []
    for line in text.split("\n"):
        margin = " " * _indent(line)
        piece = ""
        for word in line.split():
            if piece and len(margin) + len(piece) + 1 + len(word) > width:
                out.append(margin + piece)
                piece = word
            else:
                piece = f"{piece} {word}" if piece else word
        out.append(margin + piece if piece else "")
    return "\n".join(out)


def unwrap(text: str) -> str:
    """Undo ``wrap``: join lines of one indentation, unless the second is a list item.

    It is the inverse for a text in which lines of one indentation never follow one another
    directly except as list items (``- ``), which is how the play is laid out.
    """
    out: list[str] = []
    for line in text.split("\n"):
        before = out[-1] if out else ""
        item = line.lstrip(" ").startswith("- ")
        if line and before and not item and _indent(line) == _indent(before):
            out[-1] = before + " " + line.lstrip(" ")
        else:
            out.append(line)
    return "\n".join(out)
