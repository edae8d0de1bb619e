"""Which names of encodings are those of text."""

from __future__ import annotations

import codecs


def text_codec(name: str) -> codecs.CodecInfo:
    """The codec of an encoding. Raises LookupError where there is none, or none of text."""
    try:
        codec = codecs.lookup(name)
        "a".encode(name)  # Python also has codecs that are not of text, such as hex
    except (LookupError, ValueError):
        raise LookupError(name) from None
    return codec
