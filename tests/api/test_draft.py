"""A text that is written by turns: `charrnn sample --interactive` without its terminal."""

from __future__ import annotations

import pytest

import charrnn
from charrnn.api.draft import Draft
from charrnn.errors import DataError, UsageError
from tests.conftest import TEXT


@pytest.fixture(scope="module", params=["char", "byte"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("draft")
    (folder / "t.txt").write_text(TEXT[:3000])
    settings = {"model.hidden_size": 6, "train.batch_size": 4, "data.unit": request.param}
    run = charrnn.train(
        files=folder / "t.txt", settings=settings, steps=5, out=folder / "run", progress=False
    )
    return run.model()


@pytest.fixture
def draft(model):
    return Draft(model, length=20, seed=7)


def test_the_first_continuation_is_that_of_sample_and_the_next_are_others(model, draft):
    assert draft.add("The ") == "The "
    first = "".join(draft.go_on())
    assert first == "".join(model.sample("The ", length=20, seed=7))
    assert draft.text == "The " + first
    other = "".join(draft.again())
    assert other != first
    assert draft.text == "The " + other
    draft.set("seed", 7)
    assert "".join(draft.again()) == first


def test_undo_takes_turn_by_turn_back(draft):
    "".join(draft.go_on())
    one = draft.text
    draft.add("and")
    list(draft.go_on())
    two = draft.text
    list(draft.go_on())
    last = "".join(draft.again())
    assert draft.undo() == last
    assert draft.text == two
    draft.start_over()
    assert draft.text == ""
    draft.undo()
    assert draft.text == two
    assert draft.undo() == two[len(one) :]
    assert draft.text == one
    draft.undo()
    assert draft.text == ""
    assert draft.undo() is None


def test_a_continuation_that_is_stopped_keeps_what_has_come(model, draft):
    draft.set("length", 1000)
    pieces = draft.go_on()
    piece = next(pieces)
    pieces.close()
    assert draft.text == piece
    draft.undo()
    assert draft.text == ""


def test_candidates_differ_and_one_is_taken(draft):
    draft.add("The ")
    found = draft.candidates(3)
    assert len({*found}) == 3
    draft.choose(found[1])
    assert draft.text == "The " + found[1]
    assert draft.undo() == "The " + found[1]


def test_what_cannot_be_is_an_error_that_changes_nothing(model, draft):
    for name, value in (("temperature", -1), ("top_k", 0), ("use", "mixture"), ("allow", "")):
        before = dict(draft.settings)
        with pytest.raises(UsageError):
            draft.set(name, value)
        assert draft.settings == before
    draft.add("The ")
    with pytest.raises(DataError):
        draft.add("é")
    assert draft.text == "The "
    draft.set("on_unknown", "skip")
    draft.add("é.")
    assert draft.text == "The ."


def test_settings_count(model):
    draft = Draft(model, length=30, temperature=0.0, allow="ab")
    assert {*"".join(draft.go_on())} <= {"a", "b"}
    draft.set("lines", 1)
    draft.set("allow", "\n")
    draft.start_over()
    assert "".join(draft.go_on()) == "\n"
