"""The ready configurations: valid, described, and their gradients proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from charrnn import config
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.analysis.gradcheck.comparison import check
from tests.helpers.commands import CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_gradients_of_every_config(path: Path):
    chosen = case(config.load(path))
    results = check(
        chosen.network, reference_of(chosen.config), chosen.problem,
        window=chosen.config.bptt.window,
    )  # fmt: skip
    assert max(result.max_relative_error for result in results) < 1e-10


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_opens_with_what_it_is(path: Path):
    head = path.read_text().split("\n\n")[0]
    assert head.startswith("# ")
    for part in ("charrnn train configs/", "nats", "minute"):
        assert part in head, part
