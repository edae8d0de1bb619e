"""What is said about a run's course, and when nothing is."""

from __future__ import annotations

from charrnn.report.advice import Advice
from charrnn.training.events import Evaluated, Stepped


def course(first, *losses, dropout=False):
    advice = Advice(K=60, from_scratch=True, dropout=dropout)
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


def test_a_part_that_was_never_better_than_chance_is_another_kind_of_text():
    losses = (3.0, 4.3), (2.0, 4.6), (1.0, 5.0)  # ln 60 is 4.094
    said = course(4, *losses).end()
    assert "another kind of text" in said
    assert "overfits" not in said
    assert "overfits" in course(4, (3.0, 4.0), *losses).end()  # it was better once
    assert course(4, (4.2, 4.3)).end() is None  # nothing is learned yet
    advice = Advice(K=60, from_scratch=True, by_position=True)
    advice(Evaluated(1, 1, 3.0, 4.3, False))
    assert "blocks" in advice.end()


def test_why_the_training_loss_lies_above_the_validation_loss():
    above = ((2, 1.9), (1.8, 1.505), (1.79, 1.5))
    assert "1.7900) lies above the validation loss" in course(4, *above, dropout=True).end()
    assert "dropout" in course(4, above[-1], dropout=True).end()
    assert course(4, *above).end() is None
    assert course(4, (2, 2.0), (1.5, 1.505), (1.49, 1.5), dropout=True).end() is None
    both = course(4, (2.5, 2.0), (2.2, 1.7), (2.0, 1.5), dropout=True).end()
    assert "not converged" in both
    assert "lies above" in both


def test_a_start_is_told_at_once_and_only_where_it_says_something():
    told = []
    for K, from_scratch, loss in (
        (60, True, 8.0),
        (60, False, 8.0),
        (1, True, 8.0),
        (60, True, 6.0),
    ):
        advice = Advice(K, from_scratch, tell=told.append)
        for step in (1, 2):
            advice(Stepped(step, 0.1, loss, 1.0, 0.1, 10, 0.1, 0.1))
    assert len(told) == 1
    assert "8 nats" in told[0]


def test_two_evaluations_or_a_training_loss_that_rises_too_are_no_overfitting():
    assert course(4, (2, 1.7), (1.0, 1.9)).end() is None
    assert course(4, (2, 2.0), (1.5, 1.7), (1.6, 1.9)).end() is None


def test_the_program_says_it_while_it_runs_even_if_quiet(charrnn, text_file):
    small = ["model.hidden_size=8", "train.batch_size=4", "train.sample_length=0"]
    args = ["train", "--text", text_file, "--steps", 3, "-q", *(f"--set={item}" for item in small)]
    strange = charrnn(*args, "--set=model.init.V.scheme=normal", "--set=model.init.V.scale=100")
    assert strange.returncode == 0, strange.stderr
    assert strange.stderr.count("far above the uniform baseline ln K") == 1
    assert "far above" not in charrnn(*args).stderr
