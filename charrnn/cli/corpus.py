"""charrnn corpus"""

from __future__ import annotations

import textwrap
from typing import Any

import click
import yaml

from charrnn.api.survey import TextSurvey, survey
from charrnn.cli import completion
from charrnn.cli.options import argument_option, format_option, quiet_option
from charrnn.cli.spelling import in_options
from charrnn.cli.streams import to_json, write
from charrnn.errors import DataError, printable, shortened
from charrnn.inference.metrics import bits

SHOWN = 8
FILES, LARGEST = 20, 8  # more files are summed up, and so many of the largest named
Values = dict[str, Any]


@click.command("corpus")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", shell_complete=completion.files
)
@click.option("--encoding", metavar="NAME", help="Read as this [a byte order mark's, or utf-8].")
@argument_option("minutes", help="Show what training for so many minutes would choose.")
@format_option
@quiet_option
def command(files: tuple[str, ...], encoding: str | None, minutes: float | None, form: str) -> None:
    """Show what is in a text before training on it, and how to begin.

    FILE is a file, a glob in quotes, or - for stdin. Entropies are in nats per character. Exit
    code 3 if a file cannot be used as it is; the others are still shown.

    \b
    Examples:
      charrnn corpus my.txt
      charrnn corpus my.txt --minutes 10
      charrnn corpus 'books/*.txt' --format json
    """
    found = survey(files, encoding=encoding, minutes=minutes)
    answer = found.answer
    bad = (values for values in answer["files"] if not values["ok"])
    for values, problem in zip(bad, found.problems, strict=True):
        values["then"] = in_options(problem.then or "") or None
    text = to_json(answer) if form == "json" else printable(text_of(answer))
    try:
        write(f"{text}\n".encode("utf-8", "backslashreplace"))
    finally:  # a bad text is one whether or not stdout could be written
        _require_good(found)


def _require_good(found: TextSurvey) -> None:
    if bad := len(found.problems):
        files = len(found.answer["files"])
        raise DataError(f"{bad} of {files} files cannot be used as they are")


def text_of(answer: Values) -> str:
    """Facts of every file, of all together if there are several, and the suggestion."""
    listed = answer["files"]
    parts = [_file(values) for values in listed] if len(listed) <= FILES else [_summary(listed)]
    good = [values for values in answer["files"] if values["ok"]]
    whole = answer["together"]
    if len(good) > 1:
        parts.append(_file({**whole, "file": f"the {len(good)} readable files together"}))
    if whole is not None:
        parts.append(_suggestion(answer["suggestion"], whole))
    return "\n\n".join(parts)


def _summary(files: list[Values]) -> str:
    """A line for each of some files, those first that cannot be used."""
    bad = [values for values in files if not values["ok"]]
    good = [values for values in files if values["ok"]]
    lines = [f"{len(files):,} files, of which {len(good):,} can be used as they are"]
    problems = [f"{values['file']}: {values['problem']}" for values in bad]
    lines += [f"  {line}" for line in shortened(problems, FILES)]
    for values in sorted(good, key=lambda values: -values["bytes"])[:LARGEST]:
        lines.append(
            f"  {values['file']}: {values['bytes']:,} bytes, {values['encoding']}, "
            f"K = {values['K']:,}"
        )
    if len(good) > LARGEST:
        lines.append(f"  and {len(good) - LARGEST:,} smaller ones; each is in the JSON")
    return "\n".join(lines)


def _file(values: Values) -> str:
    if not values["ok"]:
        return f"{values['file']}\n  problem      {_problem(values)}"
    rows = {
        "encoding": values["encoding"]
        + (", with a byte order mark" if values["bom"] else "")
        + (", unpacked from gzip" if values["gzip"] else ""),
        "size": f"{values['bytes']:,} bytes, {values['characters']:,} characters, "
        f"K = {values['K']:,}",
        "lines": _lines(values),
        "line ends": _line_ends(values["line_ends"]),
        "duplicates": f"{values['duplicate_lines']['count']:,} lines repeat an earlier one "
        f"({values['duplicate_lines']['share']:.1%} of those not blank)",
        "rare": _listed(values["rare_characters"], values["rare_count"]),
        "min_count": _min_counts(values),
        "controls": _listed(values["control_characters"]),
        "look-alikes": _look_alikes(values["look_alikes"]),
        "marks": _marks(values),
        "entropy": _entropy(values),
    }
    lines = [values["file"]]
    for label, row in rows.items():
        lines += textwrap.wrap(
            f"{label:12} {row}", 110, initial_indent="  ", subsequent_indent=" " * 15
        )
    return "\n".join(lines)


def _problem(values: Values) -> str:
    then = f"\n               {values['then']}" if values["then"] else ""
    return values["problem"] + then.replace("\n  if", "\n               if")


def _lines(values: Values) -> str:
    longest = values["longest_line"]
    return (
        f"{values['lines']:,}, of which {values['blank_lines']:,} blank; the longest has "
        f"{longest['characters']:,} characters"
        + (f" ({longest['file']}:{longest['line']})" if longest["characters"] else "")
    )


def _line_ends(ends: dict[str, int]) -> str:
    names = {"lf": "LF", "crlf": "CRLF", "cr": "CR alone"}
    kinds = [f"{n:,} {names[kind]}" for kind, n in ends.items() if n]
    text = ", ".join(kinds) or "none"
    if ends["crlf"] or ends["cr"]:
        text += "; the CR is learned as a character: convert to LF if that is not meant"
    return text


def _listed(characters: list[Values], count: int | None = None) -> str:
    if not characters:
        return "none"
    shown = [
        f"{c['character']!r} {c['code_point']} {c['name']} ({c['count']:,}, first at "
        f"{c['line']:,}:{c['column']:,})"
        for c in characters
    ]
    return "; ".join(shortened(shown, SHOWN, count))


def _min_counts(values: Values) -> str:
    """What data.min_count would change."""
    shown = [
        f"{found['min_count']}: K = {found['K']:,}, {found['unknown_share']:.3%} unknown"
        for found in values["min_count"]
        if found["K"] < values["K"]
    ]
    return "; ".join(shown) or "no change: no character is rare"


def _look_alikes(pairs: list[Values]) -> str:
    if not pairs:
        return "none"
    shown = [
        f"{p['character']!r} {p['code_point']} ({p['count']:,}) beside "
        f"{p['like']!r} ({p['like_count']:,})"
        for p in pairs
    ]
    return "; ".join(shortened(shown, SHOWN))


def _marks(values: Values) -> str:
    form = "the text is in NFC" if values["nfc"] else "not NFC: one letter may be written two ways"
    return f"{values['combining_marks']:,} combining marks; {form}"


def _entropy(values: Values) -> str:
    if values["ln_K"] is None:
        return "the text is empty"
    even, unigram = values["ln_K"], values["unigram_entropy"]
    return (
        f"uniform baseline ln K = {even:.4f} nats per character, by frequency alone "
        f"{unigram:.4f} ({bits(unigram):.4f} bits): a model must be below"
    )


def _suggestion(suggestion: Values | None, whole: Values) -> str:
    if suggestion is None:
        if ", " in whole["encoding"]:
            return "no suggestion: the files are in several encodings, and data.encoding is one"
        return "no suggestion: there is too little text to learn from"
    rows = [
        "To begin with:", *(f"  {reason}" for reason in suggestion["reasons"]),
        "", f"  {suggestion['command']}", "",
    ]  # fmt: skip
    if suggestion["minutes"] is None:
        rows.append("plans for this text and this machine; corpus --minutes shows what it chooses")
    else:
        document = yaml.safe_dump(suggestion["config"], sort_keys=False, default_flow_style=None)
        rows += ["does this, here and now:", "", textwrap.indent(document.rstrip(), "  ")]
    return "\n".join(rows)
