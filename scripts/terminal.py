"""A picture of a terminal: what real commands wrote to one, as HTML for a screenshot."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

PATIENCE = 120.0  # seconds for the next prompt
PROMPT = b"\n> "
COLOUR = re.compile(r"\x1b\[48;5;(\d+);38;5;(\d+)m(.*?)\x1b\[0m", re.DOTALL)
STYLE = """
body { margin: 0; background: #16181d; width: max-content }
pre { margin: 0; padding: 18px 22px; color: #d8dbe2; font: 15px/1.35 "DejaVu Sans Mono", monospace }
i { font-style: normal; color: #7fb4f0 }
"""


def typed(command: str, lines: Sequence[str], folder: Path) -> str:
    """What a terminal shows of a shell's command; each line is typed once it prompts for one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kind = "dumb" if lines else "xterm-256color"  # colours, but no editing of a line
    environment = {**os.environ, "PATH": path, "TERM": kind, "CHARRNN_HISTORY": "off"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", command], environment)
    shown, waiting, limit = b"", list(lines), time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 1 << 16)
            except OSError:  # it has ended
                break
        elif waiting and shown.replace(b"\r", b"").endswith(PROMPT):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
    if os.waitpid(pid, 0)[1]:
        raise SystemExit(f"{command}: it did not end well:\n{shown.decode(errors='replace')}")
    return f"$ {command}\n{shown.decode()}".replace("\r", "")


def html(shown: str) -> str:
    """As a page, in the colours of the terminal; what was typed stands out."""
    found, at = "", 0
    for coloured in COLOUR.finditer(shown):
        paper, ink = (colour(int(coloured[n])) for n in (1, 2))
        text = escape(coloured[3])
        found += f"{escape(shown[at : coloured.start()])}"
        found += f'<span style="background: {paper}; color: {ink}">{text}</span>'
        at = coloured.end()
    found += escape(shown[at:])
    found = re.sub(r"^(\$|&gt;) (.+)$", r"\1 <i>\2</i>", found, flags=re.MULTILINE)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><pre>{found}</pre>"


def colour(number: int) -> str:
    """One of the 256 colours of terminals: of the cube of 6 × 6 × 6, which begins at 16."""
    parts = [(0, 95, 135, 175, 215, 255)[(number - 16) // 6**n % 6] for n in (2, 1, 0)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def session(commands: Mapping[str, Sequence[str]], folder: Path) -> str:
    """Several commands, one after the other, and the lines that are typed into each."""
    return html("\n".join(typed(command, lines, folder) for command, lines in commands.items()))
