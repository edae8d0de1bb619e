"""One HTML file that needs nothing else: template, style, script and data put together.

A policy in the page allows its own script and style, by their hashes, and nothing from anywhere
else: a text cannot make the page load or run anything.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

# Scripts, in this order: later ones use earlier ones.
NAMES = ("base", "ticks", "chart", "curves", "flow", "text", "reader", "main")


def page(title: str, data: dict[str, Any]) -> bytes:
    """The report as UTF-8."""
    folder = files("charrnn.report.html") / "assets"
    style = (folder / "page.css").read_text("utf-8")
    parts = [(folder / f"{name}.js").read_text("utf-8") for name in NAMES]
    script = '"use strict";\n{\n' + "\n".join(parts) + "}\n"
    template = (folder / "page.html").read_text("utf-8")
    filling = {
        "TITLE": escape(title),
        "POLICY": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": embedded(data),
    }
    pieces = template.split("@@")  # text and names by turns
    pieces[1::2] = [filling[name] for name in pieces[1::2]]
    return "".join(pieces).encode("utf-8", "backslashreplace")


def embedded(data: Any) -> str:
    """JSON that can stand in a script element: pure ASCII, and nothing in it ends the element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
