"""Which stretches of a part are read side by side."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.data.corpus import Corpus, Part

STREAMS, WARM = 8, 512


@dataclass(frozen=True)
class Row:
    """The network reads ids[first:stop] from a zero state; what it does from `begin` on counts."""

    first: int
    begin: int
    stop: int


def rows_of(corpus: Corpus, part: Part, characters: int) -> list[Row]:
    """The first `characters` of a part, or all there are, in the text's order.

    A stream is cut in a few, each warmed up by the 512 characters before it. A line is read with
    the boundary before it and without the one that ends it, which begins the next.
    """
    if corpus.lines is not None:
        return _lines(corpus, part, characters)
    start, stop = corpus.bounds[part]
    stop = min(stop, start + characters)
    each = max(-(-(stop - start) // STREAMS), 2 * WARM)
    return [
        Row(max(begin - WARM, 0), begin, min(begin + each, stop))
        for begin in range(start, stop, each)
    ]


def _lines(corpus: Corpus, part: Part, characters: int) -> list[Row]:
    assert corpus.lines is not None
    rows, room = list[Row](), characters
    for start, stop in sorted(corpus.lines[part].tolist()):
        if room <= 0:
            break
        rows.append(Row(start, start, min(stop - 1, start + room)))
        room -= stop - 1 - start
    return rows
