"""A mistake in a file is one whatever is set over it; and what docs/config.md shows is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from charrnn.api.settings import load_config, parsed
from charrnn.config import Config, load
from charrnn.errors import ConfigError
from tests.conftest import ROOT

HIDDEN = {  # a file, and the setting that replaces what is wrong in it
    "model: !!python/object/apply:os.system [x]": "model.hidden_size=16",
    "model:\n  hidden_size: !!python/name:os.system": "model.hidden_size=16",
    "model: {hidden_size: !mine 5}": "model.hidden_size=16",
    "data:\n  text: !!set {a, b}": "data.text=a",
    "model: 5": "model.hidden_size=16",
    "model: [1]": "model.hidden_size=16",
    "model:": "model.hidden_size=16",
    "optim: {schedule: cosine}": "optim.schedule.name=cosine",
    "model: {hidden_size: {a: 1}}": "model.hidden_size=16",
}


@pytest.mark.parametrize(("text", "setting"), HIDDEN.items())
def test_a_mistake_in_a_file_does_not_hide_behind_a_setting(tmp_path, text, setting) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    for read in (
        lambda: load(path, [setting]),
        lambda: load_config(path, parsed([setting])),
    ):
        with pytest.raises(ConfigError, match=r"my\.yaml:\d: (.*: a tag|.* section)"):
            read()


def test_nor_behind_another_setting() -> None:
    with pytest.raises(ConfigError, match="is a section"):
        load(None, ["model=5", "model.hidden_size=16"])
    with pytest.raises(ConfigError, match="a tag is not read"):
        parsed(["model.hidden_size=!!python/object:x 5"])


def test_what_is_right_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("model: {hidden_size: 5}\ndata: {text: 2024-01-01}\n")
    config = load(path, ["model.hidden_size=16", "model={num_layers: 3}"])
    assert (config.model.hidden_size, config.model.num_layers) == (16, 3)
    assert config.data.text == ("2024-01-01",)
    assert load_config(Config(), {"model.hidden_size": 7}).model.hidden_size == 7


def test_config_check_prints_what_the_page_shows(charrnn, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    shown = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    tried = 0
    for part in filter(None, shown):
        command, _, output = part.partition("\n")
        words = shlex.split(command)
        if words[0] == "cat":
            (tmp_path / words[1]).write_text(output)
        elif words[:3] == ["charrnn", "config", "check"] and "--help" not in words:
            done = charrnn(*words[1:])
            assert done.stdout + done.stderr == output, command
            tried += 1
    assert tried >= 3
