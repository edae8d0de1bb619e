"""A run that is ready to train: what starting and resuming make, and training takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from charrnn.config import Config
from charrnn.errors import call
from charrnn.runs.folder import RunFolder
from charrnn.training.trainer import Trainer


@dataclass(frozen=True)
class Launch:
    """A trainer in its run's folder. `notices`: what the user should know before it trains.

    `fresh`: the parameters are newly drawn.
    """

    trainer: Trainer
    run: RunFolder
    config: Config
    notices: list[str] = field(default_factory=list)
    fresh: bool = False

    @property
    def resume_command(self) -> str:
        """What continues the run from its last checkpoint, with as many ranks."""
        ranks = self.trainer.ranks.size
        mpiexec = f"mpiexec -n {ranks} " if ranks > 1 else ""
        return mpiexec + call("resume", str(self.run.path))
