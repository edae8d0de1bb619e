"""Rules that tie several keys together; each names the key to change."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from charrnn.config.schema import Config, ModelConfig
from charrnn.nn.cells.registry import owners

Problem = tuple[tuple[str, ...], str]


def broken_rules(config: Config) -> list[Problem]:
    """Every rule that `config` breaks, as (path of the key, message)."""
    return [
        *_data(config),
        *_options_of_other_cells(config),
        *_model(config.model),
        *_bptt(config),
        *_train(config),
    ]


def text_codec(name: str) -> codecs.CodecInfo:
    """The codec of an encoding. Raises LookupError where there is none, or none of text."""
    try:
        codec = codecs.lookup(name)
        "a".encode(name)  # Python also has codecs that are not of text, such as hex
    except (LookupError, ValueError):
        raise LookupError(name) from None
    return codec


def _data(config: Config) -> Iterator[Problem]:
    total = sum(config.data.split)
    if abs(total - 1.0) > 1e-9:
        yield ("data", "split"), f"the three parts add up to {total:g}, not to 1"
    try:
        text_codec(config.data.encoding)
    except LookupError:
        yield (
            ("data", "encoding"),
            f"{config.data.encoding!r} is no encoding of text that Python knows; "
            "for example: utf-8, cp1252, utf-16",
        )
    if config.data.split[0] == 0:
        yield ("data", "split"), "the training part is empty"


def _options_of_other_cells(config: Config) -> Iterator[Problem]:
    cell, defaults = config.model.cell, Config()
    for key, cells in owners().items():
        section, name = key.split(".")
        value, default = (getattr(getattr(c, section), name) for c in (config, defaults))
        if cell not in cells and value != default:
            yield (section, name), f"is for cell: {' or '.join(cells)}, and the cell is {cell}"


def _model(model: ModelConfig) -> Iterator[Problem]:
    if model.coupled_gates and not model.forget_gate:
        yield ("model", "coupled_gates"), "f = 1 - i needs forget_gate: true"
    if model.init.W.scheme == "identity":
        yield ("model", "init", "W"), "identity is for U, which is square"
    if model.init.V.scheme == "identity":
        yield ("model", "init", "V"), "identity is for U, which is square"


def _bptt(config: Config) -> Iterator[Problem]:
    bptt = config.bptt
    if bptt.mode == "truncated" and bptt.k2 < bptt.k1:
        yield (
            ("bptt", "k2"),
            f"k2 = {bptt.k2} is less than k1 = {bptt.k1}: gradients of {bptt.k1 - bptt.k2} of "
            f"every {bptt.k1} characters would never be used; choose k2 >= k1",
        )


def _train(config: Config) -> Iterator[Problem]:
    train = config.train
    if train.epochs is None and train.steps is None and train.minutes is None:
        yield ("train", "epochs"), "nothing ends the run: give epochs, steps or minutes"
    if config.optim.weight_decay and config.optim.name != "adamw":
        yield ("optim", "weight_decay"), f"is for adamw; the optimiser is {config.optim.name}"
    no_validation = config.data.split[1] == 0
    if config.optim.schedule.name == "plateau" and no_validation:
        yield ("optim", "schedule", "name"), "plateau needs a validation part (data.split)"
    if train.early_stopping and no_validation:
        yield ("train", "early_stopping"), "needs a validation part (data.split)"
