"""Which stretches of a part are read side by side."""

from __future__ import annotations

import numpy as np

from charrnn.data.corpus import Corpus, Part
from charrnn.inference.reader import UNITS, Rows

STREAMS = 8


def rows_of(corpus: Corpus, part: Part, characters: int) -> Rows:
    """The first `characters` of a part, or all there are, in the text's order.

    A stream is cut in a few, each warmed up by the 512 characters before it. A line is read with
    the boundary before it and without the one that ends it, which begins the next.
    """
    if corpus.lines is not None:
        start, stop = corpus.lines[part][np.argsort(corpus.lines[part][:, 0])].T
        lengths = stop - 1 - start
        room = characters - (np.cumsum(lengths) - lengths)  # before each line
        rows = Rows.whole(start, start + np.minimum(lengths, room))
        return rows[np.flatnonzero(room > 0)]
    start, stop = corpus.bounds[part]
    stop = min(stop, start + characters)
    return Rows.streams(start, stop, UNITS.streams(stop - start, STREAMS))
