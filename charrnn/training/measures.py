"""What is measured in a step, and over several."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Mean:
    """A running mean that can be saved."""

    total: float = 0.0
    weight: float = 0.0

    def add(self, total: float, weight: float) -> None:
        self.total += total
        self.weight += weight

    @property
    def value(self) -> float:
        return self.total / self.weight if self.weight else float("nan")

    def reset(self) -> None:
        self.total = self.weight = 0.0


@dataclass(frozen=True)
class Update:
    """What one step did."""

    loss: float
    grad_norm: float
    learning_rate: float
    characters: int
