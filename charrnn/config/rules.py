"""Rules that tie several keys together; each names the key to change."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from charrnn.config.schema import RECORD_END, Config, ModelConfig, Section
from charrnn.nn.cells.registry import cell_entry, owners

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
            f"{config.data.encoding!r} is not a text encoding Python knows; "
            "for example: utf-8, cp1252, utf-16",
        )
    if config.data.min_count > 1:
        key, data = ("data", "min_count"), config.data
        if data.unit == "byte":
            yield key, "is for data.unit: char; there are never more than 256 bytes"
        if data.on_unknown != "error":
            yield (
                key,
                (
                    "gives the vocabulary a symbol for all that it lacks: leave data.on_unknown at "
                    f"error, not {data.on_unknown}"
                ),
            )
    if RECORD_END in config.data.separator:
        yield ("data", "separator"), "U+FDD0 ends a record already, and stands in no text"
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


_OPTIMISERS = {
    "momentum": ("momentum",),
    "nesterov": ("momentum",),
    "rho": ("rmsprop",),
    "beta1": ("adam", "adamw"),
    "beta2": ("adam", "adamw"),
    "epsilon": ("adagrad", "rmsprop", "adam", "adamw"),
}
_SCHEDULES = {
    "factor": ("step", "exponential", "plateau"),
    "after": ("step",),
    "every": ("step",),
    "patience": ("plateau",),
    "final": ("linear", "cosine"),
}


def unused_keys(config: Config) -> list[str]:
    """A sentence for each key that was set and has no effect."""
    return [f"{key} has no effect: {why}" for key, why in _unused(config)]


def _unused(config: Config) -> Iterator[tuple[str, str]]:
    data, model, bptt, optim = config.data, config.model, config.bptt, config.optim
    in_order = data.mode == "stream" and data.split_by == "position"
    if in_order and _given(data, "split_seed"):
        yield "data.split_seed", "a stream is split in the text's order (data.split_by: position)"
    if data.mode != "stream" and data.split_by == "blocks":
        yield "data.split_by", f"{data.mode} are shuffled one by one (data.mode: {data.mode})"
    if data.mode != "records" and _given(data, "separator"):
        yield "data.separator", f"it is for records (data.mode: {data.mode})"
    if data.unit == "byte" and _given(data, "encoding"):
        yield "data.encoding", "bytes are not decoded (data.unit: byte)"
    if "model.forget_bias" in cell_entry(model.cell).options and _given(model, "forget_bias"):
        if not model.forget_gate:
            yield "model.forget_bias", "the LSTM has no forget gate"
        elif not model.bias:
            yield "model.forget_bias", "the layers have no biases (model.bias: false)"
    if model.dropout == 0 and model.variational_dropout:
        yield "model.variational_dropout", "no unit is dropped (model.dropout: 0)"
    if bptt.mode == "full":
        for key in ("k1", "k2"):
            # Where only k1 is given, k2 is set along with it.
            if _given(bptt, key) and not (key == "k2" and bptt.k2 == bptt.k1):
                yield f"bptt.{key}", "full BPTT goes over the whole sequence (bptt.mode: full)"
    for key, users in _OPTIMISERS.items():
        if _given(optim, key) and optim.name not in users:
            yield f"optim.{key}", f"it is for {', '.join(users)}, and optim.name is {optim.name}"
    if optim.grad_clip is None and _given(optim, "grad_clip_mode"):
        yield "optim.grad_clip_mode", "nothing is clipped (optim.grad_clip: null)"
    if config.train.on_divergence == "stop" and _given(config.train, "max_rollbacks"):
        yield "train.max_rollbacks", "nothing is rolled back (train.on_divergence: stop)"
    if config.train.minutes is None and config.train.whole_epochs:
        yield "train.whole_epochs", "no minutes end the run (train.minutes: null)"
    schedule = optim.schedule
    for key, users in _SCHEDULES.items():
        if _given(schedule, key) and schedule.name not in users:
            yield (
                f"optim.schedule.{key}",
                f"it is for {', '.join(users)}, and the schedule is {schedule.name}",
            )


def _given(section: Section, key: str) -> bool:
    return key in section.model_fields_set
