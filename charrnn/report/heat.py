"""A text coloured by surprise: on a terminal, without colours as digits below it, and as a page."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from itertools import groupby
from math import log

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import printable
from charrnn.inference.metrics import bits

Nats = NDArray[np.float64]
LEVELS = 9  # of a colour; 0 is none
# Backgrounds of the 256 colours, from pale to red; the text on the first six is black, else white.
COLOURS, BLACK_ON = (230, 223, 216, 209, 208, 202, 196, 160, 124), 6
MARKED = 3  # the level from which a line end is shown
MOST = 1_000_000  # characters of a page


def levels(nats: Nats, K: int) -> NDArray[np.int64]:
    """0 … 9 for each character: 9 where it costs twice what the uniform baseline does, ln K."""
    share = np.nan_to_num(nats, posinf=1e9) / (2 * log(max(K, 2)))
    return np.minimum(share * (LEVELS + 1), LEVELS).astype(np.int64)


def coloured(text: str, nats: Nats, K: int) -> str:
    """The text with escapes of a terminal, which end with each line."""
    found = []
    for level, run in groupby(_shown(text, levels(nats, K)), key=lambda pair: pair[0]):
        shown = "".join(part for _, part in run)
        found.append(shown if level <= 0 else f"{_escape(level)}{shown}\x1b[0m")
    return "".join(found)


def _escape(level: int) -> str:
    ink = 16 if level <= BLACK_ON else 231
    return f"\x1b[48;5;{COLOURS[level - 1]};38;5;{ink}m"


def _shown(text: str, found: NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """Levels and what is shown of them; a line end is in no colour, and its mark is."""
    for char, level in zip(text, found.tolist(), strict=True):
        if char != "\n":
            yield level, printable(char)
            continue
        if level >= MARKED:
            yield level, "↵"
        yield -1, "\n"


def with_digits(text: str, nats: Nats) -> str:
    """Each line, and below each character its bits: 9 are nine or more, a dot is less than a half,
    and nothing is no score.
    """
    found, at = [], 0
    for line in text.removesuffix("\n").split("\n"):
        own = nats[at : at + len(line) + 1]
        shown = [("↵" if char == "\n" else printable(char)) for char in f"{line}\n"[: len(own)]]
        shown = [char.replace("\t", "→") for char in shown]
        below = "".join(_digit(n).ljust(_columns(c)) for c, n in zip(shown, own, strict=True))
        found.append(f"{''.join(shown)}\n{below.rstrip()}\n")
        at += len(line) + 1
    return "".join(found)


def _digit(nats: float) -> str:
    if np.isnan(nats):
        return " "
    whole = min(round(bits(float(nats))), 9)
    return str(whole) if whole else "."


def _columns(shown: str) -> int:
    if unicodedata.combining(shown[0]):
        return 0
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown)


def spans(text: str, nats: Nats, K: int) -> Iterator[str]:
    """HTML of each character: its level as a class, and its bits as a title."""
    for char, level, value in zip(text, levels(nats, K).tolist(), nats.tolist(), strict=True):
        mark = "↵\n" if char == "\n" and level >= MARKED else char
        shown = escape(mark if mark.strip("↵\n") == "" else printable(mark))
        if np.isnan(value) or not level:
            yield shown
        else:
            yield f'<b class="h{level}" title="{bits(value):.2f} bits">{shown}</b>'


def left_out(characters: int) -> str:
    """HTML below a text that is not shown to its end."""
    return f"<p>… and {characters:,} more characters</p>" if characters > 0 else ""


STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
pre{font:15px/1.6 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
b{font-weight:inherit;border-radius:2px}
h2{font-size:1.1rem}
""" + "".join(
    f".h{level}{{background:color-mix(in srgb,#e2452c {10 * level}%,transparent)}}\n"
    for level in range(1, LEVELS + 1)
)


def page(title: str, pieces: Iterable[tuple[str, str, Nats]], K: int) -> bytes:
    """One page, as UTF-8, of (file, text, nats) in their order. It needs no server and no script.

    After `MOST` characters it says how many more there are.
    """
    body, files, room = [], dict[str, list[float]](), MOST
    for file, text, nats in pieces:
        if file not in files:
            body.append(f"{'</pre>' if files else ''}<h2>{escape(printable(file))}</h2><pre>")
        counts = files.setdefault(file, [0, 0.0, 0])
        counts[0] += int(np.count_nonzero(~np.isnan(nats)))
        counts[1] += float(np.nansum(nats))
        body += spans(text[:room], nats[:room], K)
        counts[2] += max(len(text) - room, 0)
        room = max(room - len(text), 0)
    chars, total, left = map(sum, zip(*files.values(), strict=True)) if files else (0, 0.0, 0)
    mean = f", {bits(total / chars):.3f} bits per character" if chars else ""
    scale = "".join(f'<b class="h{level}">&nbsp;&nbsp;</b>' for level in range(1, LEVELS + 1))
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    name = escape(printable(title))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
        f"<title>{name}</title><style>{STYLE}</style><h1>{name}</h1>"
        f"<p>{chars:,} characters{mean}. What the model expected is plain, what surprised it is "
        f"red: {scale} the deepest is {bits(2 * log(max(K, 2))):.1f} bits or more.</p>"
        f"{''.join(body)}{'</pre>' if files else ''}{left_out(int(left))}</html>\n"
    ).encode("utf-8", "backslashreplace")
