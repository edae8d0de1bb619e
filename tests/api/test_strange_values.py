"""Values that nobody means: numbers of any size, and names that would move a terminal's cursor."""

from __future__ import annotations

import json

import pytest
import yaml

from charrnn import config
from charrnn.api.arguments import NUMBERS
from charrnn.config.explain import json_schema, known_keys
from charrnn.data.files import find_files
from charrnn.errors import CharrnnError, ConfigError, DataError, Notice, UsageError, printable
from charrnn.inference.evaluation import evaluate
from charrnn.storage.checkpoint import Checkpoint, read, write
from charrnn.storage.checkpoint_folder import locate
from tests.helpers.runs import finish, start

ENEMY = "a\x1b[2J\r\x9b31m\u202egpj.txt\x7f\u2066\u2028"
RAW = [c for c in ENEMY if not c.isascii() or ord(c) < 32 or c == "\x7f"]
# A number of any size is a number: infinitely many minutes end no run.
FLOATS = [key for key in known_keys() if key.split(".")[-1] in (
    "epochs", "minutes", "learning_rate", "epsilon", "weight_decay", "grad_clip", "forget_bias",
    "scale",
)]  # fmt: skip
HUGE = (10**21, 2**63, 2**64, 10**400)


def integers(node, path=""):
    """Every integer of a JSON Schema, by where it is."""
    if isinstance(node, dict):
        if node.get("type") == "integer":
            yield path, node
        for key, value in node.items():
            yield from integers(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from integers(value, f"{path}/{index}")


def test_every_integer_of_a_configuration_has_a_range():
    found = list(integers(json_schema()))
    assert len(found) > 20
    for path, node in found:
        assert {"minimum", "exclusiveMinimum"} & set(node), path
        assert {"maximum", "exclusiveMaximum"} & set(node), path


@pytest.mark.parametrize("value", HUGE, ids=["1e21", "2**63", "2**64", "1e400"])
def test_no_key_takes_any_number(value):
    for key in known_keys():
        if "seed" in key and value < 2**64:
            continue
        if key not in FLOATS:
            with pytest.raises(ConfigError):
                config.load(None, [], {key: value})


def test_every_whole_argument_has_a_range():
    whole = {name: number for name, number in NUMBERS.items() if number.whole}
    assert len(whole) > 8
    for name, number in whole.items():
        assert number.high is not None, name
        assert number.allows(number.high), name
        assert not number.allows(number.high + 1), name
        assert "e+" not in str(number)


def test_samples_that_would_not_fit_are_refused(charrnn, text_file, tmp_path):
    finish(start(text_file, tmp_path / "run", [], steps=1))
    done = charrnn("sample", "run", "--length", 10**12, "--best-of", 2)
    assert done.returncode == 2
    assert "held in memory" in done.stderr
    done = charrnn("sample", "run", "--length", 10**20)
    assert done.returncode == 2
    assert "--length" in done.stderr


@pytest.mark.parametrize("context", [10**12, 10**8])
def test_a_context_beyond_the_text_is_the_text(text_file, tmp_path, context):
    launch = finish(start(text_file, tmp_path / "run", [], steps=1))
    trainer = launch.trainer
    length = trainer.corpus.characters("val")
    scores = [evaluate(trainer.network, trainer.corpus, "val", cold=c) for c in (length, context)]
    assert scores[0].nats_per_char == scores[1].nats_per_char
    assert scores[0].chars == scores[1].chars == length


@pytest.mark.parametrize("name", ["*/" * 2000, "**/" * 9 + "a*", "/".join("x" * 300)])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(DataError, match="folders in it"):
        find_files([name])


def test_text_of_a_file_is_shown_as_it_can_be_read():
    assert printable("tab\tline\nÉ中 ok") == "tab\tline\nÉ中 ok"
    for error in (DataError(ENEMY, where=ENEMY, then=ENEMY), UsageError(ENEMY), Notice(ENEMY)):
        assert not set(RAW) & set(str(error))
        assert "\\x1b[2J\\r\\x9b31m\\u202egpj" in str(error)
    assert "\n" not in str(CharrnnError("it", where="a\nerror: b"))


@pytest.mark.parametrize("command", ["inspect", "eval", "report", "resume", "config show"])
def test_a_name_in_a_checkpoint_never_reaches_the_terminal_raw(
    charrnn, text_file, tmp_path, command
):
    finish(start(text_file, tmp_path / "run", [], steps=1))
    path = locate(tmp_path / "run", "last")
    found = read(path)
    values = json.loads(json.dumps(dict(found.meta.config)))
    values["data"]["text"] = [ENEMY]
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(values))
    for target in (path, locate(tmp_path / "run")):
        write(target, Checkpoint(found.arrays, found.meta.replaced(config=values)))
    words = {"resume": ["train", "--resume", "run"],
             "config show": ["config", "show", "run/config.yaml"]}  # fmt: skip
    done = charrnn(*words.get(command, [command, "run"]))
    shown = done.stdout + done.stderr
    assert "gpj" in shown
    assert not set(RAW) & (set(shown) - {"\n"})


def test_a_configuration_with_such_a_name_is_read_back():
    found = config.load(None, [], {"data.text": [ENEMY, "é.txt"]})
    text = config.to_yaml(found)
    assert printable(text) == text
    assert yaml.safe_load(text)["data"]["text"] == [ENEMY, "é.txt"]
    assert "é.txt" in config.to_yaml(config.load(None, [], {"data.text": ["é.txt"]}))
