"""Whether two runs are the same, byte for byte, but for the clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CLOCK = ("seconds", "chars_per_second")


def differences(one: Path, other: Path) -> list[str]:
    """Files of two runs' folders that are missing or differ; times in metrics.jsonl may."""
    names = sorted(_files(one) | _files(other))
    return [name for name in names if _content(one / name) != _content(other / name)]


def _files(run: Path) -> set[str]:
    found = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return set(found) - {".lock"}


def _content(path: Path) -> bytes | list[dict[str, Any]] | None:
    if not path.exists():
        return None
    if path.name != "metrics.jsonl":
        return path.read_bytes()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in lines]
