"""The compiled backend is held to the one in NumPy, in float64 and in float32."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from charrnn import build, config
from charrnn.errors import DivergenceError
from charrnn.inference.sampling import Sampling, numpy_sampler, sample
from charrnn.nn import bptt
from charrnn.nn.backends import NUMPY_BACKEND
from charrnn.nn.bptt import Batch
from charrnn.training.optim.averaging import WeightAverage
from charrnn.training.optim.optimisers import make_optimiser
from tests.conftest import PATIENCE, ROOT
from tests.helpers.variants import OTHERS

pytest.importorskip("numba", reason="the extra fast is not installed")

from charrnn.nn.backends.compiled import NUMBA_BACKEND
from charrnn.nn.backends.compiled.compiling import compiled
from charrnn.nn.backends.compiled.product import (
    multiply,
    pack,
    pack_transposed_at,
    packed_memory,
    product_at,
    product_rows,
)
from charrnn.nn.backends.compiled.sampling import _coldness, _draw, compiled_sampler
from charrnn.nn.backends.compiled.tile import call_at
from charrnn.nn.backends.compiled.views import row
from charrnn.runtime.installation import install_command

CELLS = {
    "rnn": ["model.cell=rnn"],
    "rnn sigmoid": ["model.cell=rnn", "model.activation=sigmoid"],
    "rnn relu": ["model.cell=rnn", "model.activation=relu"],
    "gru": ["model.cell=gru"],
    "gru no bias": ["model.cell=gru", "model.bias=false"],
    "lstm": [],
    "peepholes": ["model.peepholes=true", "model.cell_input=logistic"],
    "1997": [
        "model.forget_gate=false", "model.cell_input=logistic", "model.cell_output=logistic",
        "bptt.cell_truncation=1997",
    ],
    "1997 peepholes": ["model.forget_gate=false", "model.peepholes=true"],
    "coupled": ["model.coupled_gates=true", "model.cell_output=identity"],
    "coupled peepholes": ["model.coupled_gates=true", "model.peepholes=true"],
    "truncated peepholes": ["model.peepholes=true", "bptt.cell_truncation=1997"],
    "linear g": ["model.cell_input=identity"],
    **OTHERS,
}  # fmt: skip
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
T, B, H, K = 5, 7, 19, 23  # no multiple of a tile's rows or columns


def networks(sets, dtype):
    """The same random parameters under the NumPy backend and the compiled one."""
    settings = config.load(None, [f"model.hidden_size={H}", f"runtime.dtype={dtype}", *sets])
    made = []
    for kernels in ("numpy", "numba"):
        chosen = config.load(
            None, [f"model.hidden_size={H}", f"runtime.dtype={dtype}", *sets,
                   f"runtime.kernels={kernels}"],
        )  # fmt: skip
        made.append(build.network(chosen, K))
    build.initialise(made[0], settings)
    made[0].params.flat[...] += 0.3 * np.random.default_rng(0).standard_normal(
        made[0].params.flat.size
    )
    made[1].params.flat[...] = made[0].params.flat
    assert [net.backend.name for net in made] == ["numpy", "numba"]
    return made


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, "float64") for name in CELLS]
    + [(name, "float32") for name in ("rnn", "gru", "lstm", "coupled peepholes")],
)
def test_compiled_kernels_give_what_the_plain_ones_give(name, dtype):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, K, (2, T, B)).astype(np.int32)
    mask = np.arange(T)[:, None] < rng.integers(2, T + 1, B)
    results = []
    for network in networks(CELLS[name], dtype):
        random = np.random.default_rng(2).standard_normal(network.zero_state(B).shape)
        results.append([])
        for state in (random.astype(dtype), network.zero_state(B)):
            grad = network.params.like()
            out = bptt.gradient(network, Batch(x, y, 1, mask=mask), state, grad, 1.0)
            results[-1] += [np.array(out.loss), out.state, out.dstate, *grad.values()]
    for plain, fast in zip(*results, strict=True):
        assert np.abs(plain - fast).max() <= TOLERANCE[dtype] * max(np.abs(plain).max(), 1e-3)


@pytest.mark.parametrize("name", ["rnn relu", "gru no bias", "coupled peepholes", "1997"])
@pytest.mark.parametrize("steps", [(T, B), (3 * T, 1), (T, 70)])  # 70 streams: in three parts
def test_reading_gives_what_a_window_with_a_tape_gives(name, steps):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, K, (2, *steps)).astype(np.int32)
    plain, fast = networks([*CELLS[name], "model.num_layers=3"], "float64")
    state = rng.standard_normal(plain.zero_state(steps[1]).shape)
    tape, given = plain.forward(x, state), state.copy()
    prediction = plain.predict(tape, y)
    read, final = fast.read(x, state)
    E, correct = fast.nats_and_correct(read, y)
    np.testing.assert_allclose(read.outputs, tape.outputs, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(final, plain.state_after(tape, steps[0]), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(E, prediction.E, rtol=1e-10)
    np.testing.assert_array_equal(correct, prediction.p.argmax(axis=-1) == y)
    np.testing.assert_array_equal(fast.read(x, state, keep=False)[1], final)
    np.testing.assert_array_equal(state, given)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_reading_rounds_as_a_window_with_a_tape_does(name):
    fast = networks([*CELLS[name], "model.num_layers=1"], "float32")[1]
    x = np.random.default_rng(1).integers(0, K, (T, B)).astype(np.int32)
    tape = fast.forward(x, fast.zero_state(B))
    read, final = fast.read(x, fast.zero_state(B))
    np.testing.assert_array_equal(read.outputs, tape.outputs)
    np.testing.assert_array_equal(final, fast.state_after(tape, T))


@given(
    z=st.lists(st.sampled_from([0, 1, 1 + 2**-52, 1 + 2**-50, -3, 30]), min_size=1, max_size=9),
    dtype=st.sampled_from([np.float32, np.float64]), data=st.data(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_likeliest_is_the_first_of_what_rounds_to_the_same(z, dtype, data):
    y = np.array([data.draw(st.integers(0, len(z) - 1))], np.int32)
    p, Z = np.array([z], dtype), np.array([z], dtype)
    expected = NUMBA_BACKEND.softmax_cross_entropy(p, y)
    E, correct = NUMBA_BACKEND.cross_entropy(Z=Z, y=y)
    np.testing.assert_array_equal(E, expected)
    assert correct[0] == (p[0].argmax() == y[0])


@compiled
def turned(pack, U, P):
    call_at(pack, row(U, (0,)), U.shape[0], U.shape[1], row(P, (0, 0)), P.shape[0])


@compiled
def product(at, A, P, C, t):
    multiply(at, A, P, C, t)


@given(
    M=st.integers(1, 30), k=st.integers(1, 70), n=st.integers(1, 70),
    dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_the_packed_product_is_the_product(M, k, n, dtype, seed):
    rng = np.random.default_rng(seed)
    A, U = rng.standard_normal((M, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    transposed = packed_memory(U.shape, U.dtype)
    turned(pack_transposed_at(U.dtype), np.ascontiguousarray(U.T), transposed)
    for packed in (pack(U), transposed):
        C = product_rows(M, packed)
        product(product_at(np.dtype(dtype)), A, packed, C, seed)
        bound = np.finfo(dtype).eps * k * (np.abs(A) @ np.abs(U)).max()
        assert np.abs(C[:, :n] - A @ U).max() <= bound
        assert not C[:, n:].any()


@given(
    N=st.integers(1, 140), H=st.integers(1, 40), G=st.integers(1, 70), zeros=st.integers(0, 140),
    dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_the_product_that_is_added_is_the_product(N, H, G, zeros, dtype, seed):
    rng = np.random.default_rng(seed)
    X, Y, out = (rng.standard_normal(n).astype(dtype) for n in ((N, H), (N, G), (H, G)))
    X[:zeros] = 0
    expected = out + X.T @ Y
    NUMBA_BACKEND.add_product(X=X, Y=Y, out=out)
    bound = np.finfo(dtype).eps * (N + 1) * ((np.abs(X.T) @ np.abs(Y)).max() + 4)
    assert np.abs(out - expected).max() <= bound


@given(
    N=st.integers(0, 140), H=st.integers(1, 40), K=st.integers(1, 40), masked=st.booleans(),
    bias=st.booleans(), dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_the_outputs_in_one_pass_are_the_outputs_step_by_step(N, H, K, masked, bias, dtype, seed):
    rng = np.random.default_rng(seed)
    h, V, c = (rng.standard_normal(n).astype(dtype) for n in ((N, H), (H, K), K))
    y, mask = rng.integers(0, K, N).astype(np.int32), rng.random(N) < 0.7 if masked else None
    dV, dc, dH = (rng.standard_normal(n).astype(dtype) for n in (V.shape, K, h.shape))
    Z = h @ V + (c if bias else 0)
    E = NUMPY_BACKEND.softmax_cross_entropy(Z, y)
    NUMPY_BACKEND.cross_entropy_gradient(p=Z, y=y, scale=0.5, mask=mask)
    expected = E, dV + h.T @ Z, dc + Z.sum(axis=0) if bias else dc.copy(), Z @ V.T
    found = NUMBA_BACKEND.learn_outputs(
        outputs=h, y=y, V=V, c=c if bias else None, scale=0.5, mask=mask, dV=dV,
        dc=dc if bias else None, dH=dH,
    )  # fmt: skip
    for right, fast in zip(expected, (found, dV, dc, dH), strict=True):
        np.testing.assert_allclose(fast, right, rtol=0, atol=TOLERANCE[np.dtype(dtype).name] * 10)


@pytest.mark.parametrize("Z", [np.full((3, K), -1e30), np.eye(3, K) * 200, np.zeros((3, K))])
def test_the_compiled_softmax_is_stable(Z):
    y = np.array([0, 1, 2], np.int32)
    for dtype in (np.float64, np.float32):
        plain, fast = Z.astype(dtype), Z.astype(dtype)
        E_plain = NUMPY_BACKEND.softmax_cross_entropy(plain, y)
        E_fast = NUMBA_BACKEND.softmax_cross_entropy(fast, y)
        np.testing.assert_allclose(E_fast, E_plain, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("name", ["rnn", "gru", "coupled peepholes"])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(), Sampling(0.7, top_k=5), Sampling(1.2, top_p=0.8), Sampling(0),
        Sampling(allowed=np.arange(K) % 2 == 0),
    ],
    ids=["plain", "top-k", "top-p", "greedy", "allowed"],
)  # fmt: skip
def test_compiled_sampling_draws_what_plain_sampling_draws(name, sampling):
    network = networks(CELLS[name], "float64")[0]
    prime, indices = np.array([1, 2, 3], np.int32), (0, 3, 5)
    for boundary in (None, 4):
        texts = []
        for generate_steps in (
            numpy_sampler(network, sampling, boundary),
            compiled_sampler(network, sampling.temperature, sampling.top_k, sampling.top_p,
                         sampling.allowed, boundary),
        ):  # fmt: skip
            chunks = list(sample(network, prime, 40, generate_steps, 7, boundary, indices))
            texts.append(np.concatenate(chunks))
        np.testing.assert_array_equal(*texts)


INF = np.inf
EQUAL, RISING = [0.5] * 10, np.arange(10) / 8
AWKWARD = {
    "ten equal, top-p 0.8": (EQUAL, Sampling(top_p=0.8), range(8)),
    "ten equal, top-p 0.3": (EQUAL, Sampling(top_p=0.3), range(3)),
    "ten equal, top-p 0.1": (EQUAL, Sampling(top_p=0.1), range(1)),
    "ten equal, top-p 1": (EQUAL, Sampling(top_p=1.0), range(10)),
    "ten equal, top-k 4": (EQUAL, Sampling(top_k=4), range(4)),
    "a tie at the end of top-k": ([0, 1, 2, 1, 1], Sampling(top_k=3), (1, 2, 3)),
    "top-k of as many as there are": (RISING, Sampling(top_k=10), range(10)),
    "top-k of more than there are": (RISING, Sampling(top_k=99), range(10)),
    "a far tail, top-p 1": ([0, -60], Sampling(2.0, top_p=1.0), (0,)),
    "nearly cold": (RISING, Sampling(1e-37), (9,)),
    "beyond float32's reciprocals": (RISING, Sampling(1e-39), (9,)),
    "colder": (RISING, Sampling(1e-300), (9,)),
    "coldest": (RISING, Sampling(5e-324), (9,)),
    "coldest with ties": ([1, 3, 3, 0, 3], Sampling(5e-324), (1, 2, 4)),
    "coldest, top-p": ([1, 3, 3, 0, 3], Sampling(5e-324, top_p=0.5), (1, 2)),
    "hottest": (RISING, Sampling(1e308), range(10)),
    "hottest, top-k": (RISING, Sampling(1e308, top_k=3), (7, 8, 9)),
    "hottest, one denied": (RISING, Sampling(1e308, allowed=np.arange(10) != 4),
                            (0, 1, 2, 3, 5, 6, 7, 8, 9)),
    "one allowed": (RISING, Sampling(allowed=np.arange(10) == 3), (3,)),
    "one allowed, cold, top-k, top-p": (
        RISING, Sampling(1e-300, 2, 0.1, np.arange(10) == 3), (3,)),
    "one allowed, greedy": (RISING, Sampling(0, allowed=np.arange(10) == 3), (3,)),
    "top-k counts what is allowed": (RISING, Sampling(top_k=2, allowed=np.arange(10) < 5), (3, 4)),
    "some impossible": ([0, -INF, 0, -INF], Sampling(), (0, 2)),
    "some impossible, hot": ([0, -INF, 0, -INF], Sampling(1e308), (0, 2)),
    "some impossible, cold": ([0, -INF, 0, -INF], Sampling(1e-300), (0, 2)),
    "what is not finite is denied": ([0, np.nan, INF], Sampling(allowed=np.arange(3) == 0), (0,)),
}  # fmt: skip
HOPELESS = {
    "all impossible": [-INF] * 4,
    "infinite": [0, INF, 0, 0],
    "first not a number": [np.nan, 0, 0, 0],
    "not a number": [0, 0, np.nan, 0],
}


def compiled_with(network, sampling):
    return compiled_sampler(
        network, sampling.temperature, sampling.top_k, sampling.top_p, sampling.allowed, None
    )


def compiled_choice(z, sampling, uniform):
    """As `Sampling.choose`, by the loop of the compiled sampler."""
    rule = (
        _coldness(sampling.temperature, z.dtype),
        len(z) if sampling.top_k is None else min(sampling.top_k, len(z)),
        1.0 if sampling.top_p is None else sampling.top_p,
    )
    allowed = np.ones(len(z), bool) if sampling.allowed is None else sampling.allowed
    return _draw(z, np.empty_like(z), uniform, rule, allowed)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_choices(name, dtype):
    """Both samplers reach exactly the ids that the definition leaves, the ends among them."""
    z, sampling, expected = AWKWARD[name]
    z = np.asarray(z, dtype)
    for choose in (sampling.choose, lambda z, u: compiled_choice(z, sampling, u)):
        found = {choose(z, uniform) for uniform in np.linspace(0, 1 - 1e-9, 400)}
        assert found == set(expected)


@pytest.mark.parametrize("temperature", [0, 1e-300, 1, 1e308])
@pytest.mark.parametrize("name", HOPELESS)
def test_nothing_is_chosen_by_logits_that_are_not_finite(name, temperature):
    z, sampling = np.array(HOPELESS[name], np.float32), Sampling(temperature, top_k=2)
    with pytest.raises(DivergenceError):
        sampling.choose(z, 0.5)
    assert compiled_choice(z, sampling, 0.5) == -1


@pytest.mark.parametrize("make", [numpy_sampler, compiled_with], ids=["numpy", "compiled"])
def test_a_model_of_overflowing_logits_is_an_error_to_sample_from(make):
    network = networks(CELLS["gru"], "float64")[0]
    network.params["output.V"][...] = 1e308
    with pytest.raises(DivergenceError, match="not finite"), np.errstate(all="ignore"):
        list(sample(network, np.array([1, 2, 3], np.int32), 40, make(network, Sampling()), 7))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_the_compiled_adam_is_the_plain_one(dtype, weight_decay):
    rng = np.random.default_rng(0)
    start = rng.standard_normal(1001).astype(dtype)
    decayed = rng.random(1001) < 0.5
    thetas = [start.copy(), start.copy()]
    rules = [
        make_optimiser("adamw", theta, weight_decay=weight_decay, decayed=decayed, adam_step=step)
        for theta, step in zip(thetas, (None, NUMBA_BACKEND.adam_step), strict=True)
    ]
    for _ in range(10):
        g = rng.standard_normal(1001).astype(dtype)
        for rule in rules:
            assert rule.update(g.copy(), 0.01) is True
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    for plain, fast in zip(
        [thetas[0], *rules[0].slots.values()], [thetas[1], *rules[1].slots.values()], strict=True
    ):
        np.testing.assert_allclose(fast, plain, rtol=tolerance, atol=tolerance)
    assert np.abs(thetas[0] - start).max() > 0.01
    for bad, at in zip(
        (np.nan, np.inf, -np.inf, np.finfo(dtype).max), (0, 3, 500, 1000), strict=True
    ):
        g[at] = bad  # the largest number is too large to be squared
        with np.errstate(over="ignore", invalid="ignore"):
            assert [rule.update(g.copy(), 0.01) for rule in rules] == [False, False]
        for rule in rules:
            for vector in (rule.theta, *rule.slots.values()):
                vector[at] = 0
        g[at] = 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_compiled_mean_is_the_plain_one(dtype):
    rng = np.random.default_rng(0)
    theta = rng.standard_normal(1001).astype(dtype)
    plain, fast = WeightAverage(theta, 0.9), WeightAverage(theta, 0.9, NUMBA_BACKEND.mean_step)
    for n in range(10):
        theta += rng.standard_normal(1001).astype(dtype)
        plain.update(n)
        fast.update(n)
    tolerance = 1e-12 if dtype is np.float64 else 1e-6
    np.testing.assert_allclose(fast.mean, plain.mean, rtol=tolerance, atol=tolerance)
    assert np.abs(fast.mean - theta).max() > 0.1


def run_without_numba(tmp_path, *args):
    """The program on a machine where the extra is not installed."""
    blocked = tmp_path / "blocked"
    blocked.mkdir(exist_ok=True)
    (blocked / "hide.py").write_text(
        "import importlib.util, sys\n"
        "sys.modules['numba'] = None\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'numba' else real(name, *a)\n"
    )
    code = (
        "import runpy, sys; runpy.run_path(sys.argv.pop(1)); "
        "runpy.run_module('charrnn', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(blocked / "hide.py"), *map(str, args)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=PATIENCE,
    )  # fmt: skip


def test_without_the_extra_everything_works_and_one_line_says_what_it_would_bring(
    text_file, tmp_path
):
    train = ["train", "--text", text_file, "--steps", 2, "--set=model.hidden_size=32"]
    done = run_without_numba(tmp_path, *train, "--out", "a")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(install_command("fast")) == 1
    asked = run_without_numba(tmp_path, *train, "--out", "b", "--set=runtime.kernels=numba")
    assert asked.returncode == 6
    assert install_command("fast") in asked.stderr
    assert "Traceback" not in asked.stderr


def test_compiled_runs_resume_bit_for_bit_and_are_proved(charrnn, text_file, tmp_path):
    sets = [
        "--text", text_file, "--set=model.hidden_size=33", "--set=runtime.kernels=numba",
        "--set=model.dropout=0.2", "--set=train.batch_size=9", "--set=train.checkpoint_every=5",
    ]  # fmt: skip
    assert charrnn("train", *sets, "--steps", 10, "--out", "whole").returncode == 0
    assert charrnn("train", *sets, "--steps", 5, "--out", "parts").returncode == 0
    assert charrnn("train", "--resume", "parts", "--steps", 10).returncode == 0
    last = "checkpoints/step-000000010.safetensors"
    whole, parts = (load_file(tmp_path / run / last) for run in ("whole", "parts"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name])
    proof = charrnn("gradcheck", "parts")
    assert proof.returncode == 0, proof.stdout + proof.stderr
