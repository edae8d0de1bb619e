"""Stopping where several ranks train: all after the same step, whoever was asked."""

from __future__ import annotations

from charrnn.runtime.signals import StopSignal
from charrnn.training.trainer import Trainer


class AgreedStop(StopSignal):
    """`asked` is what this rank heard, `requested` what all know since their last step."""

    def __init__(self, own: StopSignal, trainer: Trainer) -> None:
        self._own, self._session = own, trainer

    @property
    def asked(self) -> bool:
        return self._own.requested

    @property
    def requested(self) -> bool:
        return self._session.stop_heard

    @property
    def number(self) -> int:  # type: ignore[override]
        """The signal; each rank is to ask at the same time."""
        return max(self._session.group.every(self._own.number))
