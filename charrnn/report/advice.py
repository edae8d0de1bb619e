"""What a run's course says: a strange start, overfitting, an end before convergence."""

from __future__ import annotations

from collections.abc import Callable
from math import log

from charrnn.errors import settings
from charrnn.training.events import Evaluated, Event, RolledBack, Stepped

# Shares of the loss by which it must differ before a word is said.
STRANGE_START, OVERFIT, STILL_FALLING, ABOVE_VALIDATION = 0.5, 0.02, 0.01, 0.02


class Advice:
    """Watches a run of K symbols; `start` and `end` are sentences, or None where all is well.

    `tell` is given the first of them as soon as it is known, since a run may never come to its end,
    and every rollback. `dropout`: whether the training loss is measured with units or weights
    dropped. `by_position`: the validation part is the end of a stream, and may be of another kind.
    """

    def __init__(
        self,
        K: int,
        from_scratch: bool,
        tell: Callable[[str], None] = lambda sentence: None,
        *,
        dropout: bool = False,
        by_position: bool = False,
    ) -> None:
        self._dropout, self._by_position = dropout, by_position
        self._tell = tell
        self._ln_k = log(K) if K > 1 else 0.0
        self._from_scratch = from_scratch
        self._first: float | None = None
        self._evaluations: list[Evaluated] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stepped) and self._first is None:
            self._first = event.loss
            if (sentence := self.start()) is not None:
                self._tell(sentence)
        elif isinstance(event, Evaluated):
            self._evaluations.append(event)
        elif isinstance(event, RolledBack):
            self._tell(_rollback(event))
            self._evaluations = [e for e in self._evaluations if e.step <= event.step]

    def start(self) -> str | None:
        """About the first step's loss, which a uniform distribution would make ln K."""
        if not (self._from_scratch and self._first is not None and self._ln_k):
            return None
        if self._first <= (1 + STRANGE_START) * self._ln_k:
            return None
        return (
            f"the first loss was {self._first:.3g} nats, far above the uniform baseline ln K = "
            f"{self._ln_k:.3g}: the initial weights are too large (model.init)"
        )

    def end(self) -> str | None:
        """About the way the losses went."""
        trend = self._other_text() or self._trend()
        return "; ".join(filter(None, (trend, self._above_validation()))) or None

    def _other_text(self) -> str | None:
        """That the validation part was at no time predicted better than by chance."""
        if not self._evaluations or not self._ln_k:
            return None
        best = min(event.val_loss for event in self._evaluations)
        if best <= self._ln_k or self._evaluations[-1].train_loss >= self._ln_k:
            return None
        remedy = (
            f"take it from all over the text: {settings({'data.split_by': 'blocks'})}"
            if self._by_position
            else "look at what is in it"
        )
        return (
            f"the validation part is another kind of text than the training part: its loss was "
            f"never below {best:.4f} nats, worse than the uniform baseline ln K = "
            f"{self._ln_k:.4f}, while the training loss fell to "
            f"{self._evaluations[-1].train_loss:.4f}; {remedy}"
        )

    def _above_validation(self) -> str | None:
        """Why the training loss is the higher one, which looks like a fault."""
        if not (self._dropout and self._evaluations):
            return None
        last = self._evaluations[-1]
        if not last.train_loss > (1 + ABOVE_VALIDATION) * last.val_loss:
            return None
        return (
            f"the training loss ({last.train_loss:.4f}) lies above the validation loss because it "
            "is measured with dropout"
        )

    def _trend(self) -> str | None:
        if len(self._evaluations) < 3:
            return None
        before, last = self._evaluations[-2:]
        best = min(self._evaluations, key=lambda event: event.val_loss)
        if last.val_loss > (1 + OVERFIT) * best.val_loss and last.train_loss < best.train_loss:
            return (
                f"it overfits: since step {best.step:,} the training loss fell and the validation "
                f"loss rose from {best.val_loss:.4f} to {last.val_loss:.4f}; the best is kept. "
                "Try train.early_stopping, model.dropout or a smaller model"
            )
        if last.val_loss < (1 - STILL_FALLING) * before.val_loss:
            return (
                "it has not converged: the validation loss still fell by "
                f"{1 - last.val_loss / before.val_loss:.1%} at the last evaluation; train longer"
            )
        return None


def _rollback(event: RolledBack) -> str:
    return (
        f"{event.reason.splitlines()[0]}; back to step {event.step:,} with the learning rate times "
        f"{event.rate_scale:g} (rollback {event.tries} of {event.limit})"
    )
