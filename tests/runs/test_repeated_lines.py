"""A text most of whose lines stand in it already is told of before it is trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from charrnn.data import sources
from charrnn.data.text_statistics import repeated_share
from charrnn.errors import render
from tests.helpers.runs import start

MANY = "".join(f"a line, the {i % 88}th of them\n\n" for i in range(400))
DISTINCT = "".join(f"a line, the {i}th of them\n" for i in range(400))
FEW = "".join(f"line {i % 20}\n" for i in range(150))


def told(tmp_path: Path, text: str, *sets: str) -> list[str]:
    (tmp_path / "t.txt").write_text(text)
    launch = start(tmp_path / "t.txt", tmp_path / "run", list(sets), 1)
    launch.run.unlock()
    return [render(text) for text in launch.notices if "repeats itself" in text]


@pytest.mark.parametrize("setting", ["data.mode=stream", "data.mode=lines", "data.unit=byte"])
def test_repeated_lines_are_told_with_their_share(tmp_path, setting) -> None:
    (notice,) = told(tmp_path, MANY, setting)
    assert notice.startswith("the text repeats itself: 78% of its lines stand earlier in it")
    assert "check_novelty" in notice


@pytest.mark.parametrize("text", [DISTINCT, FEW, "\n" * 5000])
def test_other_texts_are_not(tmp_path, text) -> None:
    assert told(tmp_path, text) == []


def test_blank_lines_do_not_count() -> None:
    assert repeated_share("a\n\n\n\na\nb\n") == (1 / 3, 3)


def test_nor_does_it_matter_where_the_ids_are_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "LARGE", -1)
    assert len(told(tmp_path, MANY)) == 1
