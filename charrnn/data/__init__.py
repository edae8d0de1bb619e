"""From files to windows: texts, splits, and saveable cursors over them."""

from charrnn.data.corpus import Corpus, load_corpus
from charrnn.data.feed import Cursor, Feed
from charrnn.data.lines import LineFeed
from charrnn.data.streams import StreamFeed
from charrnn.data.texts import find_files, read_text

__all__ = [
    "Corpus",
    "Cursor",
    "Feed",
    "LineFeed",
    "StreamFeed",
    "find_files",
    "load_corpus",
    "read_text",
]
