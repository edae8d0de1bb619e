"""The training loop, the events it yields, and the run's folder."""

from charrnn.training.loop import train
from charrnn.training.plan import Limits, Rhythm
from charrnn.training.run import RunFolder
from charrnn.training.session import Session
from charrnn.training.snapshot import restore, snapshot

__all__ = ["Limits", "Rhythm", "RunFolder", "Session", "restore", "snapshot", "train"]
