"""Errors: what they say in Python, and that they cross between processes whole."""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

import pytest

import charrnn
from charrnn import errors
from charrnn.data.vocabulary import LackingError
from charrnn.errors import CharrnnError, InterruptedRunError, argument, call, settings
from charrnn.storage.checkpoint import DamagedCheckpointError
from charrnn.training.divergence import DivergedError


def _all_classes() -> list[type[CharrnnError]]:
    for module in pkgutil.walk_packages(charrnn.__path__, "charrnn."):
        if module.name == "charrnn.__main__":
            continue
        with suppress(ImportError):  # of an extra
            importlib.import_module(module.name)

    def below(kind: type[CharrnnError]) -> list[type[CharrnnError]]:
        return [kind, *(inner for child in kind.__subclasses__() for inner in below(child))]

    return [kind for kind in below(CharrnnError) if kind.__module__.startswith("charrnn")]


CLASSES = _all_classes()
SMALL = {"model.hidden_size": 4, "train.batch_size": 4}


def _made(kind: type[CharrnnError]) -> CharrnnError:
    if kind is InterruptedRunError:
        return InterruptedRunError(15, "stopped", then="go on")
    if kind is LackingError:
        return LackingError([0xE9], 3, "a.txt")
    if kind is DivergedError:
        return DivergedError("what", then="a lower rate", by_update=True)
    return kind("what", where=argument("top_k"), then=call("resume", "runs/a"))


def _raise(index: int) -> None:
    raise _made(CLASSES[index])


def test_the_classes_are_all_found() -> None:
    assert {"LackingError", "DivergedError", "DamagedCheckpointError"} <= {
        kind.__name__ for kind in CLASSES
    }


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_pickles_with_all_that_it_says(kind: type[CharrnnError]) -> None:
    error = _made(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert (str(copy), copy.message, copy.exit_code) == (
        str(error), error.message, error.exit_code,
    )  # fmt: skip
    assert (copy.what, copy.where, copy.then) == (error.what, error.where, error.then)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


def test_a_pool_gets_the_error_of_a_worker(pool: Pool) -> None:
    for index, kind in enumerate(CLASSES):
        with pytest.raises(kind) as caught:
            pool.apply_async(partial(_raise, index)).get(timeout=600)
        assert str(caught.value) == str(_made(kind))


def _meet(path: str, what: str) -> None:
    """What a worker does that meets an error where it arises."""
    if what == "unknown characters":
        charrnn.load(path).score("\u732b", on_unknown="error")
    elif what == "no such run":
        charrnn.load(path + "-not")
    elif what == "a damaged checkpoint":
        charrnn.load(path + ".safetensors")
    elif what == "divergence":
        rnn = {"model.cell": "rnn", "model.activation": "relu"}
        wild = {**SMALL, **rnn, "optim.name": "sgd", "optim.learning_rate": 1e30}
        charrnn.train(files=path + ".txt", settings=wild, steps=50, out=path + "-w")
    elif what == "a setting":
        charrnn.load_config(settings={"model.hiden": 3})
    else:
        charrnn.load(path).sample(5, top_k=0)


def test_a_pool_gets_the_errors_of_the_program_itself(tmp_path: Path, pool: Pool) -> None:
    path = str(tmp_path / "run")
    Path(path + ".txt").write_text("the lamp is on the table.\n" * 80)
    Path(path + ".safetensors").write_bytes(b"no")
    charrnn.train(files=path + ".txt", settings=SMALL, steps=1, out=path)
    met = {
        "unknown characters": LackingError, "no such run": errors.CheckpointError,
        "a damaged checkpoint": DamagedCheckpointError, "divergence": errors.DivergenceError,
        "a setting": errors.ConfigError, "an argument": errors.UsageError,
    }  # fmt: skip
    for what, kind in met.items():
        with pytest.raises(kind) as caught:
            pool.apply_async(_meet, (path, what)).get(timeout=600)
        assert type(caught.value) is kind


def test_references_are_written_as_in_python() -> None:
    error = CharrnnError(
        f"{argument('top_k')} is for {argument('temperature', 0.5)}",
        where=argument("files", "a.txt"),
        then=f"{settings({'data.unit': 'byte', 'model.bias': False})}, or "
        f"{call('resume', 'runs/a', steps=5, accept_changes=True)}",
    )
    assert str(error) == (
        'files="a.txt": top_k is for temperature=0.5\n'
        '  settings={"data.unit": "byte", "model.bias": False}, or '
        'charrnn.resume("runs/a", steps=5, accept_changes=True)'
    )


@pytest.mark.parametrize("text", ["\x02{}\x03 \x02[1]\x03", "\x02nothing", '\x02{"x": 1}\x03'])
def test_a_text_that_looks_like_a_reference_is_left_alone(text: str) -> None:
    shown = text.replace("\x02", "\\x02").replace("\x03", "\\x03")
    assert errors.render(text) in (shown, shown.removeprefix("\\x02{}\\x03"))
