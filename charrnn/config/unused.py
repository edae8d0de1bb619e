"""Keys that were set and change nothing, because another key makes them unused.

Not an error, since a sweep may change that other key alone; but worth a notice, since whoever
sets such a key expects an effect. (A key that describes another model than the one
built is an error: see rules.py.)
"""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.config.schema import Config, Section
from charrnn.nn.cells.registry import cell_entry

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
    if data.mode == "stream" and _given(data, "split_seed"):
        yield "data.split_seed", "a stream is split in the text's order (data.mode: stream)"
    if data.unit == "byte" and _given(data, "encoding"):
        yield "data.encoding", "bytes are not decoded (data.unit: byte)"
    if "model.forget_bias" in cell_entry(model.cell).options and _given(model, "forget_bias"):
        if not model.forget_gate or model.coupled_gates:
            yield "model.forget_bias", "the LSTM has no forget gate of its own"
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
    schedule = optim.schedule
    for key, users in _SCHEDULES.items():
        if _given(schedule, key) and schedule.name not in users:
            yield (
                f"optim.schedule.{key}",
                f"it is for {', '.join(users)}, and the schedule is {schedule.name}",
            )


def _given(section: Section, key: str) -> bool:
    return key in section.model_fields_set
