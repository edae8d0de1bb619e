"""The configuration: strict, with lines and suggestions, and precedence as documented."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from charrnn import config
from charrnn.config.document import parse
from charrnn.config.schema import Config
from charrnn.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(tmp_path, text="", sets=()):
    path = write(tmp_path, text) if text else None
    with pytest.raises(ConfigError) as caught:
        config.load(path, sets)
    return str(caught.value)


def test_precedence(tmp_path):
    path = write(tmp_path, "model: {hidden_size: 10, num_layers: 3}\ntrain: {seed: 5}\n")
    loaded = config.load(path, ["model.hidden_size=20", "train.seed=6"], {"train.seed": 7})
    assert (loaded.model.hidden_size, loaded.model.num_layers) == (20, 3)
    assert loaded.train.seed == 7
    assert loaded.train.batch_size == Config().train.batch_size


@pytest.mark.parametrize("text", ["1e-3", "1E-3", ".001", "+1.0e-3", "0.001"])
def test_numbers_with_an_exponent_are_floats(tmp_path, text):
    assert config.load(None, [f"optim.learning_rate={text}"]).optim.learning_rate == 0.001
    path = write(tmp_path, f"optim:\n  learning_rate: {text}\n")
    assert config.load(path).optim.learning_rate == 0.001


def test_all_mistakes_at_once_with_file_and_line(tmp_path):
    said = mistakes(
        tmp_path,
        "model:\n  hiden_size: 12\n  cell: lstn\n  num_layers: '2'\ntrain:\n  lr: 3\n",
        ["optim.grad_clip=-1"],
    )
    assert "my.yaml:2: unknown key `model.hiden_size`; did you mean `model.hidden_size`?" in said
    assert "my.yaml:3: model.cell: 'lstn' is not one of rnn, lstm, gru; did you mean" in said
    assert "my.yaml:4: model.num_layers" in said
    assert "my.yaml:6: unknown key `train.lr`; did you mean `optim.learning_rate`?" in said
    assert 'settings={"optim.grad_clip": -1}: optim.grad_clip' in said


def test_duplicate_keys(tmp_path):
    said = mistakes(tmp_path, "model:\n  cell: rnn\n  cell: gru\n")
    assert "my.yaml:3: duplicate key `cell` (first on line 2)" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: [", "my.yaml:1:9: not valid YAML"),
        ("- model", "not a mapping"),
        ("model: 3", "my.yaml:1: `model` is a section"),
        ("data: {split: [0.5, 0.2, 0.2]}", "add up to 0.9"),
        ("bptt: {k1: 50, k2: 20}", "my.yaml:1: bptt.k2: k2 = 20 is less than k1 = 50"),
        ("model: {cell: gru, peepholes: true}", "is for cell: lstm"),
        ("model: {forget_gate: false, coupled_gates: true}", "needs forget_gate"),
        ("train: {epochs: null}", "nothing ends the run"),
        ("optim: {weight_decay: 0.1}", "is for adamw"),
        ("model: {cell: gru, activation: relu}", "is for cell: rnn"),
        ("bptt: {cell_truncation: 1997}\nmodel: {cell: rnn}", "bptt.cell_truncation: is for"),
        ("train: {eval_every: weekly}", "not one of epoch or a number"),
        ("optim: {learning_rate: .nan}", "learning_rate"),
        ("model: {hidden_size: !!python/object:os.system x}", "hidden_size"),
    ],
)
def test_mistakes(tmp_path, text, expected):
    assert expected in mistakes(tmp_path, text)


def test_habits_are_recognised(tmp_path):
    assert "bptt.k1 and bptt.k2" in mistakes(tmp_path, sets=["train.seq_length=50"])
    assert "model.hidden_size" in mistakes(tmp_path, sets=["train.hidden_size=50"])


def test_set_needs_key_and_value(tmp_path):
    assert "expected KEY=VALUE" in mistakes(tmp_path, sets=["model.cell"])


def test_alias_bombs_and_depth_are_bounded(tmp_path):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{n}: &{n} [{', '.join(['*' + p] * 9)}]\n"
        for p, n in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert "more than 10000 values" in mistakes(tmp_path, bomb)
    assert "nested" in mistakes(tmp_path, "a: " + "[" * 5000)
    assert "larger than" in mistakes(tmp_path, "#" * 1_000_001)


def test_yaml_round_trip():
    loaded = config.load(None, ["model.cell=gru", "optim.grad_clip=null", "data.text=[a, b]"])
    again = config.from_dict(yaml.safe_load(config.to_yaml(loaded)), "again")
    assert again == loaded
    assert config.from_dict(json.loads(json.dumps(loaded.model_dump(mode="json"))), "x") == loaded


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ConfigError):
        parse(text, "fuzz")


def test_the_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().model.hidden_size = 3


def test_every_key_is_described():
    schema = Config.model_json_schema()
    for name, section in schema["$defs"].items():
        for key, info in section["properties"].items():
            described = "description" in info or "$ref" in info or "allOf" in info
            assert described, f"{name}.{key}"
