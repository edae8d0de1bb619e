"""What is said about a run's course, and when nothing is."""

from __future__ import annotations

from charrnn.report import Advice
from charrnn.training.events import Evaluated, Stepped


def course(first, *losses):
    advice = Advice(K=60, from_scratch=True)
    advice(Stepped(1, 0.1, first, 1.0, 0.1, 10, 0.1, 0.1))
    for step, (train, val) in enumerate(losses):
        advice(Evaluated(step, step, train, val, False))
    return advice


def test_a_strange_start():
    assert "too large" in course(8.0).start()
    assert course(4.2).start() is None


def test_overfitting_not_converged_and_neither():
    assert "overfits" in course(4, (2, 2.0), (1.5, 1.7), (1.0, 1.9)).end()
    assert "not converged" in course(4, (2, 2.0), (1.5, 1.7), (1.3, 1.5)).end()
    assert course(4, (2, 2.0), (1.5, 1.505), (1.49, 1.5)).end() is None
