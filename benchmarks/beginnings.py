"""How texts begin: from the state that a model knows, and from zeros.

    python benchmarks/beginnings.py RUN [RUN...]

Of each run of a stream, 200 samples from both beginnings, with and without a prime, and 200 that go
on from the validation part, each after another paragraph and the 1,000 characters up to its end:
what the model writes best. The first line of a paragraph (of a text without blank lines: a line) is
malformed where the training text has no such line that begins and ends alike ("Aa … ." of "The lamp
is on the table."), and misspelled where it lacks one of its words. A sample of bytes is broken that
does not begin with a whole character. Then the nats of paragraphs of the validation part, their
first 60 characters: as a text of their own from both beginnings, and after what stands before
them. And what the beginning costs to find.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator

import numpy as np
from measuring import Report, Table, run

import charrnn
from charrnn.api.sampling import prepare_sampler
from charrnn.data.corpus import load_corpus
from charrnn.data.utf8 import as_text
from charrnn.runtime.workers import threads

SAMPLES, LENGTH, PLACES, SHOWN, BEFORE = 200, 400, 100, 60, 1000


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text)


def separator(text: str) -> str:
    """What stands between paragraphs."""
    return "\n\n" if 50 * text.count("\n\n") > text.count("\n") else "\n"


def first_lines(text: str, end: str) -> list[str]:
    """The first line of each of its paragraphs that was ended."""
    return [part.lstrip("\n").split("\n")[0] for part in text.split(end)][:-1]


def shape(line: str) -> str:
    """How a line begins and ends: letters as a or A, digits as 0, each once for several."""
    found = re.sub(r"[^\W\d_]", lambda letter: "A" if letter[0].isupper() else "a", line)
    found = re.sub(r"(\w)\1+", r"\1", re.sub(r"\d", "0", found))
    first = re.match(r"\s*\S*", found)
    return f"{first[0] if first else ''} {found[-1:]}"


def begins_well(text: bytes) -> bool:
    """Whether its first bytes are a character."""
    for n in range(1, 5):
        try:
            text[:n].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


def samples(model: charrnn.Model, prime: str, state: str, use: str) -> list[str]:
    """In the vocabulary's symbols, made side by side."""
    sampler = prepare_sampler(
        model, prime, length=LENGTH, seed=1, use=use, initial_state=state, tell=lambda _: None
    )
    return list(sampler.unscored(SAMPLES))


def samples_after(model: charrnn.Model, text: str, end: str, use: str) -> list[str]:
    """Each after another paragraph of a text."""
    places = [m.end() for m in re.finditer(end, text) if m.end() > 2 * BEFORE]
    found = list[str]()
    for i in np.linspace(0, len(places) - 1, SAMPLES).astype(int):
        prime = model.symbols(text[places[i] - BEFORE : places[i]], "prime")
        sampler = prepare_sampler(
            model, prime, length=LENGTH, seed=1, use=use, initial_state="zero", tell=lambda _: None
        )
        found += sampler.texts(range(len(found), len(found) + 1))
    return found


def rows_of(model: charrnn.Model, text: str, part: str, use: str) -> Iterator[tuple[str, ...]]:
    """Lines of the table; `text` is the training text, `part` the validation part."""
    known, end, unit = set(words(text)), separator(text), model.vocabulary.unit
    shapes = set(map(shape, first_lines(text, end)))

    def row(called: str, state: str, drawn: list[str]) -> tuple[str, ...]:
        cells = list[str]()
        lines = [first_lines(as_text(one, unit), end) for one in drawn]
        for n in (0, 1):
            there = [own[n] for own in lines if len(own) > n]
            malformed = sum(shape(line) not in shapes for line in there)
            misspelled = sum(not known.issuperset(words(line)) for line in there)
            cells += [f"{malformed}", f"{misspelled}", f"{len(there)}"]
        whole = [one.encode("latin-1") for one in drawn if unit == "byte"]
        cells += [f"{len({own[0] for own in lines if own})}"]
        return (called, state, *cells, f"{sum(not begins_well(one) for one in whole)}")

    for called, prime in (("none", ""), ("two line ends", "\n\n")):
        for state in ("zero", "warm"):
            yield row(called, state, samples(model, prime, state, use))
    yield row("the text", "zero", samples_after(model, part, end, use))


def nats_of(model: charrnn.Model, text: str) -> tuple[float, ...]:
    """Nats of the beginnings of paragraphs: from zeros, from warm, after what is before them."""
    end = separator(text)
    places = [m.end() for m in re.finditer(end, text) if 2000 < m.end() < len(text) - SHOWN]
    places = [places[i] for i in np.linspace(0, len(places) - 1, PLACES).astype(int)]
    found = [0.0, 0.0, 0.0]
    for at in places:
        own = text[at : at + SHOWN]
        found[0] += model.score(own, use="network", initial_state="zero").total
        found[1] += model.score(own, use="network").total
        whole = model.score(text[at - 1000 : at] + own, use="network")
        found[2] += float(whole.nats[-len(own) :].sum())
    return tuple(one / len(places) for one in found)


def report(options: argparse.Namespace) -> Report:
    tables = []
    for name in options.runs:
        model = charrnn.load(name)
        data = model.config.data
        if options.text is not None:
            data = data.model_copy(update={"text": (options.text,)})
        corpus = load_corpus(data, model.vocabulary)
        start, stop = next(iter(corpus.predicting("val")))
        text, part = (
            as_text(model.vocabulary.decode(np.asarray(ids).tolist()), model.vocabulary.unit)
            for ids in (corpus.ids[:start], corpus.ids[start:stop])
        )
        with threads(1):
            began = time.process_time()
            model.beginning()
            seconds = time.process_time() - began
            rows = list(rows_of(model, text, part, options.use))
            zero, warm, after = nats_of(model, part)
        lines = ("malformed", "misspelled", "of")
        columns = ("prime", "from", *lines, *(f"2nd {x}" for x in lines), "distinct", "broken")
        tables.append(Table(name, columns, rows))
        title = f"{name}: nats of {SHOWN} characters; milliseconds of processor time"
        figures = [f"{x:.2f}" for x in (zero, warm, after)] + [f"{1000 * seconds:.1f}"]
        tables.append(Table(title, ("from zeros", "warm", "after the text", "ms"), [figures]))
    return Report(tables, {table.title: table.rows for table in tables})


def more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--use", choices=("network", "mixture"), default="network")
    parser.add_argument("--text", metavar="FILE", help="the runs' text, where it was moved")


if __name__ == "__main__":
    run(
        report,
        about="How texts begin: from a state that the model knows, and from zeros.",
        more=more,
    )
