"""Checkpoints without a run."""

from __future__ import annotations

from typing import Any

# The metadata of a checkpoint that resumes nothing, but for its step.
META: dict[str, Any] = {
    "config": {}, "vocabulary": {"unit": "char", "symbols": ["é", "\n"]}, "corpus_sha256": "",
    "cursor": [0, 0], "optimiser_steps": 0, "schedule": {}, "best": None, "evaluations_waited": 0,
    "means": [[0.0, 0.0]] * 3, "rate_scale": 1.0, "rollbacks": 0, "conventions": 3,
}  # fmt: skip
