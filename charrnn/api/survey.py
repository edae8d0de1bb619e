"""`charrnn.survey`: what is in a text before training on it, and how to begin."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from charrnn.api.arguments import require, require_codec
from charrnn.api.planning import DEFAULT_MINUTES, plan
from charrnn.api.settings import AnyPath
from charrnn.config.schema import STDIN
from charrnn.data import unicode_issues
from charrnn.data.files import find_files
from charrnn.data.suggestion import Suggestion, suggest
from charrnn.data.survey import Survey, together
from charrnn.data.survey import survey as survey_file
from charrnn.errors import DataError, render
from charrnn.report.plan import plan_lines
from charrnn.runtime.progress import Done, working

RARE = 10  # a character that stands this often or less is hardly learned
LISTED = 100
NAMED = 20  # files that a suggestion names one by one
MIN_COUNTS = (2, 5, 10, 50)  # values of data.min_count that are tried


@dataclass(frozen=True)
class TextSurvey:
    """What was found in each file, in all of them together, and what to begin with.

    `answer` is the object of `charrnn corpus --format json`, which docs/corpus.md describes;
    `problems` are the errors of files that cannot be used as they are.
    """

    answer: dict[str, Any]
    problems: list[DataError]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings for the text: how it is read, and with minutes all that a plan chooses; empty
        where there is no suggestion.
        """
        suggestion = self.answer["suggestion"]
        return dict(suggestion["keys"]) if suggestion else {}


def survey(
    files: AnyPath | Sequence[AnyPath], *, encoding: str | None = None,
    minutes: float | None = None,
) -> TextSurvey:  # fmt: skip
    """Read texts and say what is in them: characters, lines, encodings, duplicates, oddities.

    `files`: paths or globs, each read once. `encoding`: read as this, else as a byte order mark
    says, or UTF-8. `minutes`: what `charrnn.plan` chooses for so many is in the suggestion. A file
    that cannot be read is among the `problems`. Raises UsageError for an unknown encoding.

    >>> found = charrnn.survey("my.txt")
    >>> found.answer["together"]["K"], found.answer["suggestion"]["reasons"][0]
    (35, 'stream: lines that go on from each other')
    """
    require_codec(encoding)
    require(minutes=minutes)
    names = [files] if isinstance(files, str | PathLike) else files
    paths = _paths([fspath(name) for name in names])
    sizes = [p.stat().st_size for p in paths if isinstance(p, Path) and p.is_file()]
    with working("reading", sum(sizes)) as done:
        results = [_result(path, encoding, done, keep=minutes is not None) for path in paths]
    problems = [result.error for result in results if isinstance(result, _Problem)]
    return TextSurvey(_answer(results, [fspath(name) for name in names], minutes), problems)


@dataclass(frozen=True)
class _Problem:
    """A file that cannot be read, or not as text."""

    file: str
    error: DataError


def _paths(files: Sequence[str]) -> list[Path | _Problem]:
    """Every file once; a name that is none's as a problem in its place."""
    paths: dict[Path, Path | _Problem] = {}
    for file in files:
        try:
            for path in find_files([file]):
                paths.setdefault(path if file == STDIN else path.resolve(), path)
        except DataError as error:
            paths[Path(file)] = _Problem(file, error)
    return list(paths.values())


def _result(
    path: Path | _Problem, encoding: str | None, done: Done, *, keep: bool
) -> Survey | _Problem:
    if isinstance(path, _Problem):
        return path
    try:
        return survey_file(path, encoding, done, keep=keep)
    except DataError as error:
        return _Problem(str(path), error)


def _answer(
    results: Sequence[Survey | _Problem], names: Sequence[str], minutes: float | None
) -> dict[str, Any]:
    """`names`: what was asked for; where they stand for many files, settings name them so."""
    found = [result for result in results if isinstance(result, Survey)]
    whole = together(found)
    suggestion = suggest(whole) if len(whole.encodings) == 1 else None
    return {
        "files": [
            {
                "file": r.file,
                "ok": False,
                "problem": render(r.error.what),
                "then": render(r.error.then or "") or None,
            }
            if isinstance(r, _Problem)
            else _facts(r)
            for r in results
        ],
        "together": _facts(whole) if found else None,
        "suggestion": _suggested(
            suggestion, whole.files if len(whole.files) <= NAMED else list(names), minutes
        ),
    }


def _facts(found: Survey) -> dict[str, Any]:
    rare = sorted((n, point) for point, n in found.count.items() if n <= RARE)
    lines = found.lines
    return {
        "file": ", ".join(found.files), "ok": True, "problem": None,
        "encoding": ", ".join(found.encodings), "bom": found.bom, "gzip": found.gzip,
        "bytes": found.bytes, "characters": found.characters, "K": found.K,
        "lines": lines.ended, "blank_lines": lines.blank,
        "longest_line": {
            "characters": lines.longest, "file": found.longest_in, "line": lines.longest_at,
        },
        "line_ends": {"lf": found.lf, "crlf": found.crlf, "cr": found.cr},
        "duplicate_lines": {
            "count": lines.duplicates, "share": lines.duplicates / max(lines.compared, 1),
        },
        "rare_count": len(rare),
        "rare_characters": [_character(found, point) for _, point in rare[:LISTED]],
        "min_count": [
            {"min_count": least, "K": K, "unknown_share": share}
            for least in MIN_COUNTS
            for K, share in [found.with_min_count(least)]
        ],
        "control_characters": [_character(found, p) for p in unicode_issues.controls(found.count)],
        "combining_marks": unicode_issues.combining_marks(found.count), "nfc": found.nfc,
        "look_alikes": [
            {**_character(found, point), "like": chr(like), "like_count": found.count[like]}
            for point, like in unicode_issues.look_alikes(found.count)
        ],
        "ln_K": log(found.K) if found.K else None,
        "unigram_entropy": found.unigram_entropy if found.K else None,
    }  # fmt: skip


def _character(found: Survey, point: int) -> dict[str, Any]:
    place = found.first[point]
    return {
        "character": chr(point), "code_point": f"U+{point:04X}", "name": unicode_issues.name(point),
        "count": found.count[point], "file": place.file, "line": place.line,
        "column": place.column,
    }  # fmt: skip


def _suggested(
    suggestion: Suggestion | None, files: list[str], minutes: float | None
) -> dict[str, Any] | None:
    if suggestion is None:
        return None
    keys, reasons = suggestion.keys, suggestion.reasons
    words = ["charrnn", "train", *(word for file in files for word in ("--text", file))]
    encoded = {key: value for key, value in keys.items() if key == "data.encoding"}
    for key, value in encoded.items():
        words += ["--set", f"{key}={value}"]
    words += ["--minutes", f"{DEFAULT_MINUTES if minutes is None else minutes:g}"]
    if minutes is not None:
        planned = plan(files, minutes, settings=encoded)
        keys, reasons = planned.settings, [*reasons, *plan_lines(planned)]
    sections: dict[str, Any] = {"data": {"text": files}}
    for key, value in keys.items():
        *path, last = key.split(".")
        section = sections
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    return {
        "keys": keys, "config": sections, "command": shlex.join(words), "reasons": reasons,
        "minutes": minutes,
    }  # fmt: skip
