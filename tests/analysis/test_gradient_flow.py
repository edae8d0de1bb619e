"""`charrnn gradflow`: errors by lag are products of Jacobians, and what is said of them holds."""

from __future__ import annotations

import json
import sys
from math import inf, log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn import build, config
from charrnn.analysis.gradcheck.reference.cells import cross_entropy
from charrnn.analysis.gradient_flow.flow import measure
from charrnn.analysis.gradient_flow.lags import (
    Truncation,
    fit,
    gradients_back,
    keeping,
    ladder,
    lag_norms,
    truncations,
)
from charrnn.analysis.gradient_flow.positions import positions
from charrnn.analysis.gradient_flow.saturation import saturations
from charrnn.analysis.gradient_flow.spectrum import bounds, rate_bound, spectra
from charrnn.analysis.gradient_flow.subjects import COMPARED, Measured, Subject, compared, flow_of
from charrnn.analysis.gradient_flow.verdict import enough
from charrnn.cli.main import main
from charrnn.data.corpus import load_corpus
from charrnn.nn.bptt import Batch, gradient
from charrnn.report.figures.style import decades
from charrnn.report.gradient_flow import in_words
from charrnn.runtime.installation import install_command
from tests.conftest import ROOT, make_problem
from tests.helpers.variants import CELLS, RNNS, VARIANTS

EPSILON = 1e-30
SMALL = ["model.hidden_size=6", "model.num_layers=1", "train.batch_size=4"]


def swept(sets, **shape):
    """A network and its problem, and e_k (k, L, n, B, H) as `gradients_back` gives them."""
    network, reference, problem = make_problem(sets, **shape)
    batch, state = problem.batches[0], problem.initial_states[0]
    T = len(batch.x)
    errors = np.stack([e for e, _ in gradients_back(network, batch.x, batch.y, state, T)])
    return network, reference, batch, state, errors


# -- errors by lag: the reference's Jacobians, multiplied out ------------------------------


def jacobian(reference, parameters, x, state):
    """∂state_t/∂state_{t-1}, both flattened (L n H), by complex steps of one stream's step."""
    shape, size = state.shape, state.size
    moved = state.reshape(-1) + 1j * EPSILON * np.eye(size)
    batch = np.moveaxis(moved.reshape(size, *shape), 0, 2)  # a direction in each stream
    one_hot = np.eye(parameters["output.V"].shape[1])[np.full(size, x)]
    _, after = reference.step(parameters, one_hot, batch)
    return np.moveaxis(np.array(after).imag / EPSILON, 2, 0).reshape(size, size).T


def error_at_once(parameters, y, state):
    """∂E_t/∂state_t, flattened, by complex steps of the output layer and the loss."""
    size = state.size
    moved = (state.reshape(-1) + 1j * EPSILON * np.eye(size)).reshape(size, *state.shape)
    z = moved[:, -1, 0] @ parameters["output.V"] + parameters.get("output.c", 0)
    one_hot = np.eye(z.shape[-1])[np.full(size, y)]
    return cross_entropy(z, one_hot).imag / EPSILON


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("variant", [*RNNS, *CELLS, "lstm forget g=tanh h=tanh truncated"])
def test_errors_are_products_of_the_references_jacobians(variant, layers):
    sets = [f"model.num_layers={layers}", *VARIANTS.get(variant, CELLS.get(variant, []))]
    network, reference, batch, state, errors = swept(sets, T=7, H=3)
    parameters = dict(network.params)
    _, states = reference.losses(parameters, batch.x, batch.y, state)
    before = [state, *(np.array(after) for after in states)]
    for b in range(batch.x.shape[1]):
        e = error_at_once(parameters, batch.y[-1, b], before[-1][:, :, b])
        for k in range(len(batch.x) + 1):
            mine = errors[k][:, :, b].reshape(-1)
            np.testing.assert_allclose(mine, e, rtol=0, atol=1e-10 * max(np.abs(e).max(), 1e-3))
            if k < len(batch.x):
                t = len(batch.x) - 1 - k
                e = e @ jacobian(reference, parameters, batch.x[t, b], before[t][:, :, b])


@pytest.mark.parametrize("cell", CELLS)
def test_lag_norms_are_medians_over_the_streams(cell):
    network, _, batch, state, errors = swept(["model.num_layers=2", *CELLS[cell]], B=5)
    before = network.params.flat.copy()
    found = lag_norms(network, batch.x, batch.y, state, 4)
    norms = np.sqrt((errors[:5] ** 2).sum(axis=-1))  # (k, L, n, B)
    np.testing.assert_allclose(found.h, np.median(norms[:, :, 0], axis=-1).T, rtol=1e-12)
    assert (found.s is not None) == cell.startswith("lstm")
    if found.s is not None:
        np.testing.assert_allclose(found.s, np.median(norms[:, :, 1], axis=-1).T, rtol=1e-12)
    assert (found.max_lag, found.positions) == (4, 5)
    assert np.array_equal(network.params.flat, before)


@pytest.mark.parametrize("max_lag", [0, 7])
def test_a_window_must_be_as_long_as_the_lags(max_lag):
    network, _, problem = make_problem([], T=6)
    batch = problem.batches[0]
    with pytest.raises(ValueError, match="window of 6 steps"):
        lag_norms(network, batch.x, batch.y, problem.initial_states[0], max_lag)


def test_the_1997_carousel_carries_an_error_unchanged():
    sets = ["model.forget_gate=false", "bptt.cell_truncation=1997"]
    *_, errors = swept([*sets, "model.num_layers=1"], T=30)
    np.testing.assert_allclose(errors[1:, 0, 1], np.broadcast_to(errors[1, 0, 1], (30, 3, 4)))
    assert not errors[1:, 0, 0].any()


# -- truncation: the same gradients as bptt.gradient --------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_on_the_way_are_those_of_truncated_bptt(cell):
    network, _, problem = make_problem(["model.num_layers=2", *CELLS[cell]], T=9)
    batch, state = problem.batches[0], problem.initial_states[0]
    kept = {}
    list(keeping(gradients_back(network, batch.x, batch.y, state, 9), [1, 4, 9], kept))
    for k2, found in kept.items():
        tape = network.forward(batch.x, state)
        entry = network.state_after(tape, 9 - k2)
        expected = network.params.like()
        last = Batch(batch.x[-k2:], batch.y[-k2:], first=k2 - 1)
        gradient(network, last, entry, expected, 1.0)
        np.testing.assert_allclose(found.flat, expected.flat, rtol=1e-12, atol=1e-14)
    rows = {row.k2: row for row in truncations(kept)}
    flat, full = kept[4].flat, kept[9].flat
    cosine = flat @ full / np.sqrt((flat @ flat) * (full @ full))
    assert rows[4].cosine == pytest.approx(cosine)
    assert rows[4].norm_ratio == pytest.approx(np.sqrt((flat @ flat) / (full @ full)))
    U = [np.concatenate([kept[k][f"layers.{i}.U"].ravel() for i in (0, 1)]) for k in (4, 9)]
    assert rows[4].cosine_U == pytest.approx(
        U[0] @ U[1] / (np.linalg.norm(U[0]) * np.linalg.norm(U[1]))
    )
    assert (rows[9].cosine, rows[9].norm_ratio) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("longest", "steps"), [(1, [1]), (2, [1, 2]), (10, [1, 2, 5, 10]), (30, [1, 2, 5, 10, 20, 30])]
)
def test_ladder(longest, steps):
    assert ladder(longest) == steps


# -- the bound holds, and is tight where it can be ----------------------------------------


@given(
    activation=st.sampled_from(["tanh", "sigmoid", "relu"]),
    layers=st.integers(1, 3),
    seed=st.integers(0, 1000),
    scale=st.sampled_from([0.2, 1.0, 3.0]),
)
@settings(max_examples=40, deadline=None)
def test_no_error_of_an_rnn_exceeds_its_bound(activation, layers, seed, scale):
    sets = [f"model.num_layers={layers}", "model.cell=rnn", f"model.activation={activation}"]
    network, _, problem = make_problem(sets, T=8, B=1, seed=seed)
    for name, view in network.params.items():
        view *= scale if name.endswith((".U", ".W")) else 1
    batch = problem.batches[0]
    norms = lag_norms(network, batch.x, batch.y, problem.initial_states[0], 8)
    bound = bounds(network, float(norms.entry[0]), 8)
    assert bound is not None
    assert (norms.h <= bound * (1 + 1e-12)).all()
    rate = rate_bound(network, layers - 1)
    np.testing.assert_allclose(bound[-1], norms.entry[0] * rate ** np.arange(9))


def test_the_bound_is_reached_where_all_units_are_active():
    sets = ["model.cell=rnn", "model.activation=relu", "model.num_layers=1"]
    network, _, problem = make_problem(sets, T=8)
    network.params["layers.0.U"][...] = 0.9 * np.eye(4)
    network.params["layers.0.b"][...] = 50
    batch = problem.batches[0]
    norms = lag_norms(network, batch.x, batch.y, problem.initial_states[0], 8)
    np.testing.assert_allclose(norms.h[0], norms.h[0, 0] * 0.9 ** np.arange(9))
    np.testing.assert_allclose(norms.h, bounds(network, norms.h[0, 0], 8))


def test_gated_cells_have_no_bound():
    network, _, _ = make_problem(["model.cell=gru"])
    assert bounds(network, 1.0, 5) is None
    assert rate_bound(network, 0) is None


# -- decay, spectrum, saturation ----------------------------------------------------------


@given(st.floats(0.2, 1.3), st.integers(5, 200))
def test_the_fit_finds_an_exponential(rate, lags):
    norms = 3 * rate ** np.arange(lags + 1.0)
    norms[0] = 77  # not part of it
    decay = fit(norms)
    assert decay is not None
    assert decay.rate == pytest.approx(rate, rel=1e-6)
    if rate < 0.999:
        assert decay.half_life == pytest.approx(log(2) / -log(rate), rel=1e-4)
    assert decay.left_after(7) == pytest.approx(rate**7, rel=1e-4)


def test_the_fit_at_its_edges():
    assert fit(np.array([1.0, 2, 4, 8])).half_life == inf
    assert fit(np.array([1.0, 0, 0, 0])) is None
    assert fit(np.array([1.0, 0.5, 0, 0])).half_life == 0
    # What is below noise, or not finite, is not fitted.
    assert fit(np.array([1, 1, 0.5, 0.25, 1e-300, 1e-310])).last == 3
    assert fit(np.array([1, 1, 2, 4, inf, np.nan])).last == 3


def test_spectra_are_those_of_the_gates():
    network, _, _ = make_problem(["model.cell=lstm", "model.num_layers=2"])
    U = network.params["layers.1.U"].reshape(4, 4, 4)
    planted = {"i": 0.5, "f": 1.5, "o": 2.5, "g": 3.5}
    for k, scale in enumerate(planted.values()):
        U[:, k] = scale * np.roll(np.eye(4), 1, axis=0)
    U[0, 3, 1] += 5  # no longer normal: σ above the radius
    found = {spectrum.block: spectrum for spectrum in spectra(network, 1)}
    assert list(found) == ["i", "f", "o", "g"]
    for name in "ifo":
        assert found[name].sigma_max == pytest.approx(planted[name])
        assert found[name].radius == pytest.approx(planted[name])
    assert found["g"].sigma_max > found["g"].radius
    assert [name for name in found if found[name].recurs] == ["g"]


@pytest.mark.parametrize(
    ("cell", "recurs"),
    [("rnn", "h"), ("gru", "n"), ("lstm", "g"), ("lstm 1997", "g"), ("lstm coupled", "g")],
)
def test_which_block_recurs(cell, recurs):
    network, _, _ = make_problem(CELLS[cell])
    found = spectra(network, 0)
    assert [spectrum.block for spectrum in found if spectrum.recurs] == [recurs]
    assert len(found) == len(network.cells[0].gates)


def test_saturation_of_planted_biases():
    network, _, problem = make_problem(["model.cell=lstm"])
    bias = network.params["layers.0.b"].reshape(4, 4)
    bias[0], bias[1], bias[3] = -40, 40, 40  # i shut, f open, g at its end
    i, f, o, g = saturations(network, problem.batches[0].x, problem.initial_states[0])[0]
    assert (i.block, i.low, i.high) == ("i", 1, 0)
    assert (f.block, f.low, f.high) == ("f", 0, 1)
    assert (o.block, o.low, o.high) == ("o", 0, 0)
    assert (g.block, g.low, g.high, g.gate) == ("g", 0, 1, False)
    assert f.mean == pytest.approx(1)


def test_saturation_of_a_grus_gates():
    network, _, problem = make_problem(["model.cell=gru"])
    network.params["layers.0.b"].reshape(3, 4)[1] = 40  # u: all is kept
    r, u, n = saturations(network, problem.batches[0].x, problem.initial_states[0])[0]
    assert (r.block, r.high, r.gate) == ("r", 0, True)
    assert (u.block, u.high, u.gate) == ("u", 1, True)
    assert (n.block, n.gate) == ("n", False)


def test_dead_units():
    network, _, problem = make_problem(["model.cell=rnn", "model.activation=relu"])
    network.params["layers.0.b"][:] = [-99, 99, -99, -99]
    network.params["layers.0.U"][...] = 0
    (h,) = saturations(network, problem.batches[0].x, problem.initial_states[0])[0]
    assert (h.dead, h.low, h.high) == (0.75, None, None)


# -- verdicts -----------------------------------------------------------------------------


def verdict_of(sets, text, change=lambda network: None):
    settings_ = config.load(None, [*SMALL, f"data.text={text}", *sets])
    corpus = load_corpus(settings_.data)
    network = build.network(settings_, corpus.vocabulary.K, np.float64)
    build.initialise(network, settings_)
    change(network)
    return measure(network, positions(corpus, 8, 60)).verdict


def set_U(scale):
    def change(network):
        network.params["layers.0.U"][...] = scale * np.eye(network.H)
        network.params["layers.0.b"][...] = 1.0

    return change


RELU = ["model.cell=rnn", "model.activation=relu"]


@pytest.mark.parametrize(
    ("sets", "scale", "kind", "advice"),
    [
        (RELU, 1.0, "holds", "bptt.k2="),
        (RELU, 1.2, "explodes", "optim.grad_clip"),
        (RELU, 1e9, "explodes", "optim.grad_clip"),  # beyond what floats hold
        (RELU, 0.5, "vanishes", "orthogonal"),
        (["model.cell=rnn", "model.activation=sigmoid"], 1.0, "vanishes", "activation=tanh"),
        (["model.cell=lstm"], None, "vanishes", "forget_bias=3"),
        (["model.cell=lstm", "model.forget_bias=8"], None, "holds", "bptt.k2="),
        (["model.cell=gru"], None, "vanishes", "model.cell=lstm"),
    ],
)
def test_verdicts(text_file, sets, scale, kind, advice):
    quiet_U = [] if scale else ["model.init.U.scale=0.1"]
    change = set_U(scale) if scale else lambda network: None
    verdict = verdict_of([*sets, *quiet_U], text_file, change)
    assert verdict.kind == kind
    assert any(advice in change for change in verdict.changes), verdict.changes


def test_dead_units_are_named(text_file):
    def kill(network):
        network.params["layers.0.b"][...] = -99

    verdict = verdict_of(RELU, text_file, kill)
    assert verdict.kind == "vanishes"
    assert any("100% of the units are dead" in change for change in verdict.changes)


@pytest.mark.parametrize(
    ("cosines", "k2"),
    [([1, 1, 1], 1), ([0.5, 0.995, 1], 2), ([0.995, 0.5, 1], 5), ([np.nan] * 3, 5)],
)
def test_enough_is_from_where_on_all_are_close(cosines, k2):
    for U in (False, True):  # of all parameters, or of U
        rows = [
            Truncation(k, 1.0 if U else c, 1.0, c if U else 1.0, 1.0)
            for k, c in zip([1, 2, 5], cosines, strict=True)
        ]
        assert enough(rows) == k2


# -- positions ----------------------------------------------------------------------------


def test_positions_of_a_stream(text_file):
    settings_ = config.load(None, [f"data.text={text_file}"])
    corpus = load_corpus(settings_.data)
    at = positions(corpus, 7, 50)
    assert at.x.shape == at.y.shape == (150, 7)
    assert np.array_equal(at.x[1:], at.y[:-1])
    train = corpus.vocabulary.decode(corpus.part("train"))
    windows = [corpus.vocabulary.decode(column) for column in at.x.T]
    assert all(window in train for window in windows)
    assert train.startswith(windows[0])
    assert train[:-1].endswith(windows[-1])


def test_positions_of_lines_stay_in_one_line(text_file):
    settings_ = config.load(None, [f"data.text={text_file}", "data.mode=lines"])
    corpus = load_corpus(settings_.data)
    at = positions(corpus, 5, 60)
    newline = corpus.vocabulary.id("\n")
    assert at.max_lag == len(at.x) < 60
    assert (at.x[0] == newline).all()
    assert not (at.x[1:] == newline).any()
    assert np.array_equal(at.x[1:], at.y[:-1])


def test_a_text_shorter_than_the_lags(tmp_path):
    (tmp_path / "t.txt").write_text("abcabcab", encoding="utf-8")
    data = config.load(None, [f"data.text={tmp_path / 't.txt'}", "data.split=[1,0,0]"]).data
    at = positions(load_corpus(data), 64, 100)
    assert at.max_lag == 7
    assert at.x.shape == (7, 1)


# -- the program --------------------------------------------------------------------------


@pytest.fixture
def called(tmp_path, monkeypatch, capsys):
    """Call `charrnn gradflow` in this process, which is quicker: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["charrnn", "gradflow", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call


def report(called, *args):
    code, out, err = called(*args, "--format", "json")
    assert code == 0, err
    return json.loads(out)["models"]


def sets(*items):
    return [word for item in (*SMALL, *items) for word in ("--set", item)]


def test_json_of_a_configuration(charrnn, text_file):
    done = charrnn(
        "gradflow", *sets("model.num_layers=2"), "--text", text_file, "--lags", 20, "--format",
        "json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    (model,) = json.loads(done.stdout)["models"]
    assert (model["lags"], model["positions"], model["trained"]) == (
        20, 64, "as drawn, not trained",
    )  # fmt: skip
    assert len(model["layers"]) == 2
    for layer in model["layers"]:
        assert len(layer["dE_dh"]) == len(layer["dE_ds"]) == 21
        assert [block["block"] for block in layer["U"]] == ["i", "f", "o", "g"]
        assert layer["bound"] is None
    assert [row["k2"] for row in model["truncation"]] == [1, 2, 5, 10, 20]
    assert model["truncation"][-1]["cosine"] == pytest.approx(1)
    settings_ = config.load(None, [*SMALL, "model.num_layers=2", f"data.text={text_file}"])
    corpus = load_corpus(settings_.data)
    network = build.network(settings_, corpus.vocabulary.K, np.float64)
    build.initialise(network, settings_)
    at = positions(corpus, 64, 20)
    expected = lag_norms(network, at.x, at.y, network.zero_state(at.x.shape[1]), 20)
    np.testing.assert_allclose([layer["dE_dh"] for layer in model["layers"]], expected.h)


def test_steps_train_as_train_does(charrnn, called, text_file):
    """The measured model is the one that `charrnn train --steps` leaves."""
    options = sets("runtime.threads=1", "train.sample_length=0")
    done = charrnn("train", *options, "--text", text_file, "--steps", 3, "--out", "r", "-q")
    assert done.returncode == 0, done.stderr
    (run,) = report(called, "r", "--checkpoint", "last", "--lags", 9)
    (trained,) = report(called, *options, "--text", text_file, "--steps", 3, "--lags", 9)
    assert (run["trained"], trained["trained"]) == ("step 3", "trained for 3 steps")
    assert run["layers"] == trained["layers"]
    (drawn,) = report(called, *options, "--text", text_file, "--lags", 9)
    assert drawn["layers"] != trained["layers"]
    Path(text_file).unlink()
    code, _, said = called("r")
    assert code == 3
    assert "--text" in said


def test_compare_has_seven_cells_of_equal_width(called, text_file):
    models = report(called, *sets(), "--compare", "--text", text_file, "--lags", 30)
    assert [model["name"] for model in models] == list(COMPARED)
    assert {model["model"]["hidden_size"] for model in models} == {6}
    of = {model["name"]: model["layers"][0] for model in models}
    sigmoid = of["sigmoid RNN"]
    assert (np.array(sigmoid["dE_dh"]) <= np.array(sigmoid["bound"])).all()
    assert sigmoid["rate_bound"] == pytest.approx(0.25)
    assert of["LSTM 1997"]["decay_s"]["longer_than_measured"]
    _, shown, _ = called(*sets(), "--compare", "--text", text_file, "--lags", 30)
    assert max(map(len, shown.splitlines())) <= 80
    assert all(name in shown for name in COMPARED)


def test_compare_begins_from_any_configuration():
    base = config.load(ROOT / "configs" / "sigmoid-rnn.yaml")
    lstm = config.load(None, ["model.forget_bias=2", "bptt.cell_truncation=1997"])
    for settings_ in [*compared(base).values(), *compared(lstm).values()]:
        config.from_dict(settings_.model_dump(mode="json"), "it")
    assert compared(lstm)["LSTM forget"].model.forget_bias == 2
    assert not compared(lstm)["LSTM 1997"].model.forget_gate


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--compare", "a.yaml", "b.yaml"], 2, "one configuration"),
        (["run", "--set", "model.hidden_size=3"], 2, "--set is for a configuration"),
        (["run", "--steps", "3"], 2, "--steps is for a configuration"),
        (["run"], 4, "not a run"),
        (["none.yaml"], 2, "none.yaml"),
        (["--plot", "flow.txt"], 2, ".png"),
        (["--plot", "nowhere/flow.png"], 2, "folder"),
        (["--lags", "0"], 2, "lags"),
        (["--text", "none.txt"], 3, "none.txt"),
    ],
)
def test_mistakes_have_a_message(called, tmp_path, args, code, words):
    if "--plot" in args:
        pytest.importorskip("matplotlib", reason="drawing needs the extra plot")
    (tmp_path / "run").mkdir()
    found, out, said = called(*args)
    assert (found, out) == (code, ""), said
    assert words in said


def test_lags_that_no_memory_holds(called, text_file, monkeypatch):
    monkeypatch.setattr("charrnn.runtime.memory.total", lambda: 100_000)
    code, _, said = called(*sets(), "--text", text_file)
    assert code == 2
    assert "--lags or --positions" in said


def test_a_plot_without_matplotlib(called, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, said = called("--plot", "f.png")
    assert code == 6
    assert install_command("plot") in said


def measured(text, names=("tanh RNN", "LSTM forget"), layers=2):
    base = config.load(None, [*SMALL, f"model.num_layers={layers}", f"data.text={text}"])
    found = []
    for name in names:
        settings_ = compared(base)[name]
        corpus = load_corpus(settings_.data)
        network = build.network(settings_, corpus.vocabulary.K, np.float64)
        build.initialise(network, settings_)
        found.append(flow_of(Subject(name, "as drawn", network, settings_, corpus), 20, 8))
    return found


def test_text_fits_80_columns(text_file):
    shown = in_words(measured(text_file), brief=False)
    assert max(map(len, shown.splitlines())) <= 80
    for part in ("half-life", "U_g", "recurs", "its bound", "cosine of U", "dead"):
        assert part in shown


def test_sparkline():
    assert decades(10.0 ** -np.arange(1, 9.0)) == "█▇▆▅▃▂▁▁"
    assert decades(np.zeros(8)) == "▁" * 8


def test_figure_shows_what_was_measured(text_file, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs the extra plot")
    from charrnn.report.figures.gradient_flow import draw, figure_of

    both: list[Measured] = measured(text_file)
    h, s, cosine = figure_of(both).axes
    drawn = [line.get_ydata() for line in h.get_lines()]
    rnn, lstm = (one.flow for one in both)
    for expected, row in zip(
        [rnn.norms.h[1], rnn.norms.h[0], rnn.bounds[1], lstm.norms.h[1], lstm.norms.h[0]],
        drawn,
        strict=True,
    ):
        np.testing.assert_array_equal(row[1:], expected[1:])
    assert h.get_yscale() == "log"
    assert len(s.get_lines()) == 2
    assert [len(line.get_xdata()) for line in cosine.get_lines()] == [5, 5]
    draw(both, tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
