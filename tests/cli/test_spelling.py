"""References to arguments, as the command line spells them."""

from __future__ import annotations

import pytest

from charrnn.cli.mistakes import in_options
from charrnn.errors import argument, call, settings


@pytest.mark.parametrize(
    ("reference", "typed"),
    [
        (argument("top_k"), "--top-k"),
        (argument("files"), "--text"),
        (argument("accept_changes"), "--accept-changes"),
        (argument("accept_changes", True), "--accept-changes"),
        (argument("init_from", "my runs/a"), "--init-from 'my runs/a'"),
        (argument("steps", 5), "--steps 5"),
        (argument("dynamic", 0.1), "--dynamic 0.1"),
        (settings({"data.unit": "byte"}), "--set data.unit=byte"),
        (
            settings({"model.bias": False, "data.split": [0.9, 0.1, 0.0]}),
            "--set model.bias=false --set 'data.split=[0.9, 0.1, 0.0]'",
        ),
        (call("train", files="my.txt"), "charrnn train --text my.txt"),
        (
            call("resume", "runs/a", settings={"optim.learning_rate": 0.5}, accept_changes=True),
            "charrnn train --resume runs/a --set optim.learning_rate=0.5 --accept-changes",
        ),
    ],
)
def test_a_reference_is_spelled_as_it_would_be_typed(reference: str, typed: str) -> None:
    assert in_options(f"try {reference} or not") == f"try {typed} or not"
