"""One HTML file with its style, scripts and data, under a policy that lets nothing else in.

Texts of a run, its vocabulary and its name are data: they stand in JSON, or escaped in a title.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from math import isfinite
from typing import Any

SHARED = ("base", "colours")  # scripts of every page, before its own


def document(
    package: str, title: str, data: Any, scripts: Sequence[str], *, kind: str, skip_to: str
) -> bytes:
    """The page of a package's folder `assets` as UTF-8: its page.html in the frame of all pages.

    `scripts` are names of files there, in an order in which later ones use earlier ones. `kind`
    stands after the title; `skip_to` is the id of the part that a keyboard can go to at once. The
    policy allows these very scripts and styles, and no connection to anywhere.
    """
    own, shared = files(package) / "assets", files("charrnn.pages") / "assets"
    style = "".join(_read(folder, name) for folder, name in ((shared, "base"), (own, "page")))
    parts = [_read(shared, name, "js") for name in SHARED] + [_read(own, n, "js") for n in scripts]
    script = '"use strict";\n{\n' + "\n".join(parts) + "}\n"
    filling = {
        "TITLE": escape(title),
        "KIND": kind,
        "SKIP_TO": skip_to,
        "POLICY": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(data),
    }
    filling["BODY"] = _read(own, "page", "html")
    pieces = _read(shared, "frame", "html").split("@@")  # text and names by turns
    pieces[1::2] = [filling[name] for name in pieces[1::2]]
    return "".join(pieces).encode("utf-8", "backslashreplace")


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: pure ASCII, and nothing in it ends the element."""
    text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The same with null for numbers that are not finite, which JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _read(folder: Traversable, name: str, kind: str = "css") -> str:
    return (folder / f"{name}.{kind}").read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
