"""The mixture's file: whole or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from charrnn.errors import CheckpointError
from charrnn.inference.mixture.file import KEY, ModelHashes, read, to_bytes, write
from charrnn.inference.mixture.model import Mixture
from charrnn.storage.sealed import seal

HASHES = ModelHashes("v" * 64, "c" * 64)


@pytest.fixture(scope="module")
def mixture():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (7, 9))[rng.integers(0, 7, 60)].ravel()
    made = Mixture.fitted(ids, np.array([300, 240]), 5, 8)
    scorer = made.scorer()
    scorer.score(rng.normal(0, 1, (100, 5)).astype(np.float32), ids[:100])
    return made.with_weights(scorer.weights)


def test_what_is_read_is_what_was_written(mixture, tmp_path):
    write(tmp_path / "m.safetensors", mixture, HASHES)
    found, hashes = read(tmp_path / "m.safetensors", HASHES.vocabulary)
    assert hashes == HASHES
    assert to_bytes(found, hashes) == (tmp_path / "m.safetensors").read_bytes()
    Z, streams = np.zeros((1, 5)), mixture.streams(1)
    expected = Z.copy()
    found.mix(streams, Z)
    mixture.mix(streams, expected)
    np.testing.assert_array_equal(Z, expected)


def test_weights_that_were_not_reached_are_not(mixture, tmp_path):
    write(tmp_path / "m.safetensors", replace(mixture, reached=None), HASHES)
    assert read(tmp_path / "m.safetensors", HASHES.vocabulary)[0].reached is None


def test_any_damage_is_noticed(mixture, tmp_path):
    data, path = to_bytes(mixture, HASHES), tmp_path / "m.safetensors"
    rng = np.random.default_rng(1)
    for at in rng.integers(0, len(data), 200).tolist():
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged"):
            read(path, HASHES.vocabulary)
    for cut in (0, 7, 8, 100, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(CheckpointError, match="damaged"):
            read(path, HASHES.vocabulary)


def test_another_vocabulary_and_no_file(mixture, tmp_path):
    write(tmp_path / "m.safetensors", mixture, HASHES)
    with pytest.raises(CheckpointError, match="another vocabulary"):
        read(tmp_path / "m.safetensors", "w" * 64)
    with pytest.raises(CheckpointError, match="no such mixture"):
        read(tmp_path / "none.safetensors", "w" * 64)


def sealed(mixture, **changes):
    meta = {"format": 1, "K": 5, "order": mixture.order, "reached": True,
            "vocabulary": "v" * 64, "checkpoint": "c" * 64}  # fmt: skip
    arrays = {**mixture.trie.arrays, "weights": mixture.reached.sets,
              "visits": mixture.reached.visits}  # fmt: skip
    for name, value in changes.items():
        (arrays if name in arrays else meta)[name] = value
    return seal(KEY, arrays, meta)


def changed(array, at, value):
    array = array.copy()
    array[at] = value
    return array


@pytest.mark.parametrize(("name", "at", "value"), [
    ("symbol", 3, 5), ("text", -1, 0), ("text", 3, 9), ("count", 2, -1), ("ref", 0, 2**31 - 1),
    ("ref", -1, -(2**31)), ("first", 1, 2**31 - 1), ("first", -1, 0), ("link", -1, 2**31 - 1),
    ("link", -1, -1), ("link", 0, 1), ("discounts", (1, 1), np.nan), ("weights", (0, 0, 0), np.inf),
    ("discounts", (1, 1), 1.5), ("discounts", (2, 2), 0), ("weights", (1, 0, 0), 1e300),
    ("visits", (0, 0), -1),
])  # fmt: skip
def test_arrays_that_would_be_read_beyond_their_end_are_refused(mixture, tmp_path, name, at, value):
    arrays = {**mixture.trie.arrays, "weights": mixture.reached.sets,
              "visits": mixture.reached.visits}  # fmt: skip
    path = tmp_path / "m.safetensors"
    path.write_bytes(sealed(mixture, **{name: changed(arrays[name], at, value)}))
    with pytest.raises(CheckpointError, match="damaged"):
        read(path, "v" * 64)


@pytest.mark.parametrize("name", ["text", "ref", "link", "discounts", "weights", "visits"])
@pytest.mark.parametrize(
    "array", [np.zeros(()), np.zeros(0), np.zeros((2, 0, 3)), np.zeros((1, 1))]
)
def test_arrays_of_other_shapes_are_refused(mixture, tmp_path, name, array):
    dtype = mixture.reached.sets if name == "weights" else mixture.trie.arrays.get(name)
    dtype = np.int64 if dtype is None else dtype.dtype
    path = tmp_path / "m.safetensors"
    path.write_bytes(sealed(mixture, **{name: array.astype(dtype)}))
    with pytest.raises(CheckpointError, match="damaged"):
        read(path, "v" * 64)


@pytest.mark.parametrize(("name", "value"), [
    ("K", 6), ("K", 4), ("K", "5"), ("order", 7), ("order", 9), ("order", 0), ("order", 10**9),
    ("format", 0), ("format", "1"), ("vocabulary", 3),
])  # fmt: skip
def test_numbers_that_do_not_fit_the_arrays_are_refused(mixture, tmp_path, name, value):
    path = tmp_path / "m.safetensors"
    path.write_bytes(sealed(mixture, **{name: value}))
    with pytest.raises(CheckpointError, match="damaged"):
        read(path, "v" * 64)


def test_a_newer_format_says_so(mixture, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(sealed(mixture, format=2))
    with pytest.raises(CheckpointError, match="newer charrnn"):
        read(path, "v" * 64)
