"""Ranks that train together do what one process does, and end together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from charrnn import config
from charrnn.build import training as runs
from charrnn.data.corpus import load_corpus
from charrnn.data.loader import Cursor
from charrnn.errors import CheckFailedError, DivergenceError, UsageError
from charrnn.runs.joining import join_ranks
from charrnn.runtime.mpi_launch import Started, started
from charrnn.runtime.signals import StopSignal
from charrnn.training.events import Interrupted, Logged, RolledBack, Stepped
from tests.helpers.ranks import in_ranks, play, train_in_ranks
from tests.helpers.runs import finish, resume, start

STEPS = 9
SETS = [
    "runtime.dtype=float64", "runtime.threads=1", "runtime.kernels=numpy", "train.batch_size=7",
    "train.eval_every=4", "train.checkpoint_every=3", "train.log_every=1",
]  # fmt: skip
MODES = {
    "truncated": ["bptt.k1=5", "bptt.k2=8"],
    "full": ["bptt.mode=full", "bptt.window=16"],
    "lines": ["data.mode=lines", "bptt.k1=6", "bptt.k2=6"],
    "records": ["data.mode=records", "data.separator=a", "bptt.k1=6", "bptt.k2=6"],
    "blocks": ["data.split_by=blocks", "bptt.k1=5", "bptt.k2=8"],
    "full-lines": ["data.mode=lines", "bptt.mode=full", "bptt.window=4"],
    "weights": ["model.weight_dropout=0.3", "optim.ema_decay=0.9", "train.loss_reduction=sum"],
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """60 lines: of the 48 to train on, in batches of 7, the last has 6."""
    rng = np.random.default_rng(5)
    lines = ["".join(rng.choice(list("abcde "), rng.integers(3, 24))) for _ in range(60)]
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def last(out):
    return load_file(sorted((out / "checkpoints").glob("step-*"))[-1])


def lines_of(run):
    timed = ("seconds", "chars_per_second")
    return [{k: v for k, v in line.items() if k not in timed} for line in run.lines()]


@pytest.mark.parametrize("ranks", [2, 7])
@pytest.mark.parametrize("mode", MODES)
def test_ranks_have_the_losses_of_one_process(mode, ranks, text, tmp_path):
    sets = [*SETS, *MODES[mode]]
    one = finish(start(text, tmp_path / "one", sets, STEPS))
    events = train_in_ranks(ranks, lambda: start(text, tmp_path / "many", sets, STEPS))
    losses = [[e.loss for e in of if isinstance(e, Stepped)] for of in events]
    assert all(of == losses[0] for of in losses)
    logged = [e for e in events[0] if isinstance(e, Logged)]
    expected = lines_of(one.run)
    assert len(losses[0]) == STEPS
    assert len(logged) == len(expected)
    for line, event in zip(expected, logged, strict=True):
        np.testing.assert_allclose(event.loss, line["train_loss"], rtol=1e-12)
        if not event.final:
            np.testing.assert_allclose(event.grad_norm, line["grad_norm"], rtol=1e-11)
        if "val_loss" in line:
            np.testing.assert_allclose(event.val_loss, line["val_loss"], rtol=1e-12)
    arrays, others = last(tmp_path / "one"), last(tmp_path / "many")
    for name, array in arrays.items():
        np.testing.assert_allclose(others[name], array, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("mode", ["truncated", "lines"])
def test_ranks_of_one_thread_have_the_bits_of_as_many_threads(mode, text, tmp_path):
    sets = [*SETS, *MODES[mode], "model.dropout=0.4", "train.batch_size=12"]
    dtype = "runtime.dtype=float32"
    threads = ["runtime.threads=3", dtype]
    one = finish(start(text, tmp_path / "one", [*sets, *threads], STEPS))
    train_in_ranks(3, lambda: start(text, tmp_path / "many", [*sets, dtype], STEPS))
    assert one.trainer.pool.threads == 3
    arrays, others = last(tmp_path / "one"), last(tmp_path / "many")
    for name, array in arrays.items():
        np.testing.assert_array_equal(others[name], array, err_msg=name)


def test_a_run_goes_on_with_other_numbers_of_ranks(text, tmp_path):
    sets = [*SETS, *MODES["lines"]]
    finish(start(text, tmp_path / "one", sets, STEPS))
    train_in_ranks(3, lambda: start(text, tmp_path / "many", sets, 3))
    train_in_ranks(2, lambda: resume(tmp_path / "many", steps=5))
    finish(resume(tmp_path / "many", steps=STEPS))
    arrays, others = last(tmp_path / "one"), last(tmp_path / "many")
    for name, array in arrays.items():
        np.testing.assert_allclose(others[name], array, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("mode", ["truncated", "full"])
def test_the_same_ranks_go_on_byte_for_byte(mode, text, tmp_path):
    sets = [*SETS, *MODES[mode]]
    train_in_ranks(2, lambda: start(text, tmp_path / "whole", sets, STEPS))
    train_in_ranks(2, lambda: start(text, tmp_path / "parts", sets, 5))
    train_in_ranks(2, lambda: resume(tmp_path / "parts", steps=STEPS))
    whole, parts = last(tmp_path / "whole"), last(tmp_path / "parts")
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


class AskedAt(StopSignal):
    """Is asked to stop just before it is looked at for the n-th time."""

    def __init__(self, n):
        super().__init__()
        self.left = n

    @property
    def requested(self):
        self.left -= 1
        self.number = 15 if self.left <= 0 else 0
        return self.number != 0


# A step looks before its window, forward and back, and where the ranks meet.
@pytest.mark.parametrize(("look", "steps"), [(1, 0), (9, 3), (10, 3), (11, 3), (12, 4)])
def test_all_stop_after_the_same_step_whoever_was_asked(look, steps, text, tmp_path):
    def run(ranks):
        launch = join_ranks(ranks, lambda: start(text, tmp_path / "run", SETS, 500))
        return list(play(launch, AskedAt(look) if ranks.rank == 1 else StopSignal()))[-1]

    assert in_ranks(3, run) == [Interrupted(steps, 15)] * 3
    assert resume(tmp_path / "run").trainer.step == steps


def test_all_follow_the_clock_of_the_first(text, tmp_path):
    def run(ranks):
        sets = [*SETS, "train.minutes=30"]
        launch = join_ranks(ranks, lambda: start(text, tmp_path / "run", sets, STEPS))
        launch.trainer.clock.before = 3600.0 * ranks.rank
        return list(play(launch))

    events = in_ranks(2, run)
    assert [sum(isinstance(e, Stepped) for e in of) for of in events] == [STEPS, STEPS]


def test_all_go_back_together(text, tmp_path):
    sets = [
        *SETS, "optim.name=sgd", "optim.learning_rate=1e300", "optim.grad_clip=null",
        "train.on_divergence=rollback", "train.max_rollbacks=2",
    ]  # fmt: skip
    seen = []

    def run(ranks):
        launch = join_ranks(ranks, lambda: start(text, tmp_path / "run", sets, STEPS))
        back = (event for event in play(launch) if isinstance(event, RolledBack))
        seen.extend((ranks.rank, event.step, event.tries) for event in back)

    with pytest.raises(DivergenceError, match="diverged at step"):
        in_ranks(2, run)
    assert sorted(seen) == [(0, 0, 1), (0, 0, 2), (1, 0, 1), (1, 0, 2)]


def test_parameters_that_drift_apart_are_not_saved(text, tmp_path):
    def run(ranks):
        launch = join_ranks(ranks, lambda: start(text, tmp_path / "run", SETS, STEPS))
        for event in play(launch):
            if ranks.rank == 1 and isinstance(event, Stepped) and event.step == 4:
                theta = launch.trainer.network.params.flat
                theta[3] = np.nextafter(theta[3], 1)

    with pytest.raises(CheckFailedError, match=r"rank 1 .* at step 4"):
        in_ranks(2, run)
    assert resume(tmp_path / "run").trainer.step == 3


def test_more_ranks_than_streams_are_refused(text, tmp_path):
    with pytest.raises(UsageError, match="8 ranks, and B = 7 streams"):
        train_in_ranks(8, lambda: start(text, tmp_path / "run", SETS, 1))


@settings(max_examples=30, deadline=None)
@given(
    B=st.integers(1, 9), k1=st.integers(1, 12), more=st.integers(0, 9), ranks=st.integers(1, 4),
    mode=st.sampled_from(["stream", "lines"]), full=st.booleans(),
)  # fmt: skip
def test_the_parts_of_a_span_are_the_span(B, k1, more, ranks, mode, full, text):
    sets = [
        f"data.text={text}", f"data.mode={mode}", f"train.batch_size={B}", f"bptt.k1={k1}",
        f"bptt.k2={k1 + more}", f"bptt.mode={'full' if full else 'truncated'}",
    ]  # fmt: skip
    run = config.load(None, sets)
    loader = runs.loader(run, load_corpus(run.data))
    for index in range(min(loader.batches_per_epoch, 6)):
        cursor = Cursor(1, index)
        whole, fresh = loader.batch(cursor)
        streams, count = loader.size(cursor)
        assert (streams, count) == (whole.x.shape[1], whole.count)
        cuts = [streams * rank // ranks for rank in range(ranks + 1)]
        parts = [loader.batch(cursor, slice(a, b)) for a, b in pairwise(cuts)]
        assert all(part_fresh == fresh for _, part_fresh in parts)
        np.testing.assert_array_equal(np.concatenate([p.x for p, _ in parts], 1), whole.x)
        np.testing.assert_array_equal(np.concatenate([p.y for p, _ in parts], 1), whole.y)
        assert sum(part.count for part, _ in parts) == count


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Started()),
        ({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALNRANKS": "2"}, Started(1, 4, 2)),
        ({"PMI_RANK": "3", "PMI_SIZE": "4"}, Started(3, 4, 1)),
        (
            {
                "OMPI_COMM_WORLD_RANK": "0",
                "OMPI_COMM_WORLD_SIZE": "2",
                "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
            },
            Started(0, 2, 2),
        ),
        ({"SLURM_NTASKS": "8"}, Started()),
        ({"PMI_RANK": "x", "PMI_SIZE": "2"}, Started()),
    ],
)
def test_a_launcher_is_known_by_the_environment(environment, expected):
    assert started(environment) == expected
