"""A plan in a few lines: what was chosen, and why."""

from __future__ import annotations

import json
from typing import Any

from charrnn.data.vocabulary import unit_name
from charrnn.runs.planning import Plan

SOON = 0.4  # of the minutes


def plan_lines(plan: Plan) -> list[str]:
    """What the plan is."""
    config = plan.config
    model, optim, train = config.model, config.optim, config.train
    lines = [
        f"for {_time(plan.minutes)}: {model.cell.upper()} {model.num_layers}×{model.hidden_size}"
        f"{' with coupled gates' * model.coupled_gates}, "
        f"{_length(plan)}, at {plan.speed:,.0f} a second here",
        _dropout(plan),
        f"{_windows(plan)}; {optim.name} at {optim.learning_rate:g}"
        + (f" with weight decay {optim.weight_decay:g}" if optim.weight_decay else "")
        + (f", {optim.schedule.name} to {optim.schedule.final:g} of it"
           if optim.schedule.name in ("linear", "cosine") else ""),
    ]  # fmt: skip
    after = []
    if config.ngram.order:
        after.append("an n-gram is mixed in at the end")
    if plan.late:
        after.append("most of the time had passed before training began: it takes longer")
    elif train.steps and plan.at_most:
        after.append(f"ends after {train.steps:,} step{'s' * (train.steps > 1)}")
    elif _is_done_long_before(plan):
        after.append(f"done long before that: more than {plan.passes:g} epochs are not planned")
    else:
        how = "ends with an epoch" if train.whole_epochs else "the clock ends it"
        after.append(f"{how}, within {_time(plan.minutes)} of the start")
    if after:
        lines.append("; ".join(after))
    if plan.held:
        lines.append("held: " + ", ".join(f"{k}={_value(v)}" for k, v in plan.held.items()))
    return lines


def _is_done_long_before(plan: Plan) -> bool:
    """Whether many more epochs would fit, and are not to be."""
    seconds = plan.passes * plan.characters / plan.speed
    return plan.at_most and seconds < SOON * 60 * plan.minutes


def _time(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:g} seconds"
    hours = minutes / 60
    if minutes >= 120 and hours == int(hours):
        return f"{hours:g} hours"
    return f"{minutes:g} minute{'s' * (minutes != 1)}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _length(plan: Plan) -> str:
    unit = unit_name(plan.config.data.unit)
    if plan.passes < 1:
        return f"{plan.passes:.0%} of the {plan.characters:,} {unit}s"
    epochs = f"{plan.passes:.1f}".removesuffix(".0")
    about = "about " * (plan.config.train.epochs != plan.passes)
    return f"{about}{epochs} epoch{'s' * (epochs != '1')} of {plan.characters:,} {unit}s"


def _dropout(plan: Plan) -> str:
    model, one = plan.config.model, unit_name(plan.config.data.unit)
    often = "once at most" if plan.passes <= 1 else f"{plan.passes:.3g} times"
    kinds = [f"{model.dropout:g} of the units"] if model.dropout else []
    if model.weight_dropout:
        kinds.append(f"{model.weight_dropout:g} of the recurrent weights")
    text = f"{' and '.join(kinds) or 'nothing'} dropped: each {one} is read {often}"
    if plan.new is None:
        return text
    return f"{text}, and {plan.new:.0%} of the validation text is new, in runs of six {one}s"


def _windows(plan: Plan) -> str:
    config = plan.config
    B = config.train.batch_size
    if config.bptt.mode == "full" and config.data.mode == "stream":
        return f"{B} streams, each whole"
    if config.bptt.mode == "full":
        return f"{B} sequences at a time, each whole"
    return f"{B} streams in windows of {config.bptt.k1}"
