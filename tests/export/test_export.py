"""Other programs compute what charrnn does: PyTorch, ONNX Runtime, and PyTorch's own equations.

PyTorch and ONNX are not among the tests' requirements: what needs them is skipped without them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from charrnn import build, config
from charrnn.cli.spelling import in_options
from charrnn.config.schema import RECORD_END
from charrnn.data.layout import layout_of
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, ConfigError, UsageError
from charrnn.export import starting_point, to_bytes
from charrnn.runs.start import start_run
from charrnn.runtime.installation import install_command
from charrnn.storage.checkpoint import Checkpoint, read, write
from charrnn.storage.metadata import Metadata
from tests.conftest import PATIENCE, ROOT
from tests.helpers.checkpoints import META
from tests.helpers.commands import fails
from tests.helpers.variants import VARIANTS

TEXT = (ROOT / "data" / "quickstart.txt").read_text(encoding="utf-8")[:3000]
VOCABULARY = Vocabulary.of(TEXT)
T, B, WINDOWS = 25, 4, 3
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL)
RUNTIME = ROOT / "examples" / "node_modules" / "onnxruntime-node"

TORCH_CELLS = {
    "rnn tanh": ["model.cell=rnn"],
    "rnn relu": ["model.cell=rnn", "model.activation=relu"],
    "gru": ["model.cell=gru"],
    "lstm": [],
}
EVERY_TORCH = [
    pytest.param([*sets, f"model.num_layers={L}", f"model.bias={bias}"], id=f"{name} {L} {bias}")
    for name, sets in TORCH_CELLS.items()
    for L in (1, 2)
    for bias in ("true", "false")
]
COUPLED = ["model.coupled_gates=true", "model.num_layers=2"]
EVERY_ONNX = [
    pytest.param([*sets, f"model.num_layers={L}", *more], id=f"{name} {L} {' '.join(more)}")
    for name, sets in VARIANTS.items()
    if "truncated" not in name
    for L in (1, 2)
    for more in ([], ["model.bias=false"])
    if not more or "no bias" not in name
]


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


class Model:
    """A model with random parameters, every one of them, and its file of another format."""

    def __init__(self, sets, H=7, seed=0, vocabulary=VOCABULARY, spread=0.4):
        self.config = config.load(None, [f"model.hidden_size={H}", *sets])
        self.vocabulary = vocabulary
        self.network = build.network(self.config, vocabulary.K, for_inference=True)
        build.initialise(self.network, self.config)
        flat = self.network.params.flat
        flat += spread * np.random.default_rng(seed).standard_normal(len(flat)).astype(flat.dtype)
        if self.config.model.cell_output == "identity":
            # h is as large as the cell state, which may grow without end: logits of ±100 in
            # float32 are 1e-5 from those in float64, whoever computes them.
            for name, view in self.network.params.items():
                if name[-1] in "UV":
                    view *= 0.1

    def to(self, form):
        return to_bytes(form, self.config, self.vocabulary, self.network.params)

    def probabilities(self):
        """Of real text, in several windows with the states carried: [(T, B, K), …]."""
        state = self.network.zero_state(B)
        for x in windows():
            tape = self.network.forward(x, state)
            state = self.network.state_after(tape, T)
            yield softmax(self.network.logits(tape))


def windows():
    streams = VOCABULARY.encode(TEXT)[: T * B * WINDOWS].reshape(B, -1).T
    return np.split(np.ascontiguousarray(streams.astype(np.int64)), WINDOWS)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def assert_equal(model, others):
    for ours, theirs in zip(model.probabilities(), others, strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)


def metadata(data):
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size])["__metadata__"]


# -- PyTorch's layout, by the equations of its documentation ----------------------------------


def torch_step(cell, nonlinearity, p, index, x, state):
    """One step of one layer as docs.pytorch.org writes it, in column vectors. Returns (h, c)."""
    h, c = state
    gi = p[f"rnn.weight_ih_l{index}"] @ x
    gh = p[f"rnn.weight_hh_l{index}"] @ h
    if f"rnn.bias_ih_l{index}" in p:
        gi, gh = gi + p[f"rnn.bias_ih_l{index}"][:, None], gh + p[f"rnn.bias_hh_l{index}"][:, None]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    if cell == "rnn":
        return (np.tanh(gi + gh) if nonlinearity == "tanh" else np.maximum(gi + gh, 0)), c
    if cell == "lstm":
        i, f, g, o = np.split(gi + gh, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (ir, iz, in_), (hr, hz, hn) = np.split(gi, 3), np.split(gh, 3)
    r, z = sigmoid(ir + hr), sigmoid(iz + hz)
    return (1 - z) * np.tanh(in_ + r * hn) + z * h, c


@pytest.mark.parametrize("sets", [*EVERY_TORCH, COUPLED])
def test_torch_layout_by_pytorchs_equations(sets):
    model = Model(sets)
    data = model.to("torch")
    p, facts = load(data), metadata(data)
    assert json.loads(facts["vocabulary"]) == list(VOCABULARY.symbols)
    L, H = int(facts["num_layers"]), int(facts["hidden_size"])
    states = [(np.zeros((H, B)), np.zeros((H, B))) for _ in range(L)]

    def run():
        for x in windows():
            Z = []
            for ids in x:
                below = np.eye(VOCABULARY.K)[ids].T
                for index in range(L):
                    states[index] = torch_step(
                        facts["cell"], facts.get("nonlinearity"), p, index, below, states[index]
                    )
                    below = states[index][0]
                z = p["readout.weight"] @ below
                Z.append((z.T + p["readout.bias"]) if "readout.bias" in p else z.T)
            yield softmax(np.stack(Z))

    assert_equal(model, run())


@needs("torch")
@pytest.mark.parametrize("sets", EVERY_TORCH)
def test_torch_itself(sets, tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    model, names = Model(sets), {}
    (tmp_path / "small.safetensors").write_bytes(model.to("torch"))
    exec(BLOCKS[0], names)

    def run():
        state = None
        with torch.no_grad():
            for x in windows():
                logits, state = names["model"](torch.from_numpy(x), state)
                yield torch.softmax(logits, -1).numpy()

    assert_equal(model, run())
    exec(BLOCKS[1], names)
    activation = model.config.model.activation
    checkpoint, notices = starting_point(tmp_path / "mine.safetensors", activation)
    assert bool(notices) == (model.config.model.cell == "rnn" and activation == "tanh")
    same_model(checkpoint, model)


# -- and back ---------------------------------------------------------------------------------


def same_model(checkpoint, model):
    vocabulary = build.vocabulary_of(checkpoint)
    assert vocabulary == model.vocabulary
    found = build.config_of(checkpoint, "it")
    again = build.network(found, vocabulary.K, model.network.dtype)
    build.load_parameters(again, checkpoint.arrays, "it")
    np.testing.assert_array_equal(again.params.flat, model.network.params.flat)
    for key in ("cell", "hidden_size", "num_layers", "bias", "activation"):
        assert getattr(found.model, key) == getattr(model.config.model, key)


@settings(max_examples=40, deadline=None)
@given(
    cell=st.sampled_from(sorted(TORCH_CELLS)),
    L=st.integers(1, 3),
    H=st.integers(1, 5),
    bias=st.sampled_from(["true", "false"]),
    dtype=st.sampled_from(["float32", "float64"]),
    # But for what no text of a stream holds.
    symbols=st.sets(
        st.characters(codec=None, exclude_characters=RECORD_END), min_size=1, max_size=6
    ),
    seed=st.integers(0, 99),
)
def test_there_and_back_is_the_same(tmp_path_factory, cell, L, H, bias, dtype, symbols, seed):
    path = tmp_path_factory.mktemp("export") / "model.safetensors"
    keys = [f"model.num_layers={L}", f"model.bias={bias}", f"runtime.dtype={dtype}"]
    vocabulary = Vocabulary(sorted(symbols))
    model = Model([*TORCH_CELLS[cell], *keys], H, seed, vocabulary)
    path.write_bytes(model.to("torch"))
    checkpoint, notices = starting_point(path, "tanh")
    assert notices == []
    same_model(checkpoint, model)


def test_coupled_gates_come_back_as_an_lstm_that_says_the_same(tmp_path):
    model = Model(COUPLED)
    checkpoint = imported(tmp_path, load(model.to("torch")))
    again = Model(["model.num_layers=2"])
    assert not build.config_of(checkpoint, "it").model.coupled_gates
    build.load_parameters(again.network, checkpoint.arrays, "it")
    assert_equal(model, again.probabilities())


def imported(tmp_path, tensors, facts=None):
    """What a state_dict becomes, by default with the right vocabulary and nothing else."""
    path = tmp_path / "other.safetensors"
    if facts is None:
        facts = {"vocabulary": json.dumps(VOCABULARY.symbols)}
    path.write_bytes(save(tensors, facts))
    return starting_point(path, "tanh")[0]


def renamed(tensors, rnn, readout):
    return {
        name.replace("rnn.", rnn).replace("readout.", readout): array
        for name, array in tensors.items()
    }


def test_modules_of_any_name_and_biases_in_both_places(tmp_path):
    model = Model(["model.cell=gru"])
    tensors = load(model.to("torch"))
    same_model(imported(tmp_path, renamed(tensors, "", "head.")), model)
    # r and u add both biases; the candidate's are two.
    split = dict(tensors)
    part = np.float32(0.25) * (np.arange(21) < 14).astype(np.float32)
    split["rnn.bias_hh_l0"] = tensors["rnn.bias_hh_l0"] + part
    checkpoint = imported(tmp_path, renamed(split, "net.gru.", "net.fc."))
    np.testing.assert_allclose(
        checkpoint.arrays["layers.0.b"], model.network.params["layers.0.b"] + part
    )
    np.testing.assert_array_equal(
        checkpoint.arrays["layers.0.q"], model.network.params["layers.0.q"]
    )


def test_an_embedding_is_multiplied_into_W(tmp_path):
    tensors = load(Model(["model.num_layers=1"]).to("torch"))
    rng = np.random.default_rng(0)
    E, W = rng.standard_normal((VOCABULARY.K, 3)), rng.standard_normal((28, 3))
    tensors["rnn.weight_ih_l0"], tensors["embedding.weight"] = W, E
    found = imported(tmp_path, tensors).arrays["layers.0.W"]
    i, f, g, o = np.split(E @ W.T, 4, axis=1)
    np.testing.assert_allclose(found, np.hstack([i, f, o, g]))


def test_a_readout_with_a_bias_over_layers_without(tmp_path):
    model = Model(["model.bias=false"])
    tensors = load(model.to("torch"))
    tensors["readout.bias"] = np.ones(VOCABULARY.K, np.float32)
    checkpoint = imported(tmp_path, tensors)
    assert build.config_of(checkpoint, "it").model.bias
    assert not checkpoint.arrays["layers.1.b"].any()
    np.testing.assert_array_equal(checkpoint.arrays["output.c"], tensors["readout.bias"])


def test_float16_becomes_float32(tmp_path):
    tensors = load(Model([]).to("torch"))
    half = {name: array.astype(np.float16) for name, array in tensors.items()}
    assert imported(tmp_path, half).arrays["layers.0.W"].dtype == np.float32


SPOILT = {
    "no vocabulary": (lambda t: t, {}, "no metadata key vocabulary"),
    "no list": (lambda t: t, {"vocabulary": '{"a": 0}'}, "JSON list"),
    "no JSON": (lambda t: t, {"vocabulary": "[" * 100_000}, "JSON list"),
    "too few": (lambda t: t, {"vocabulary": '["a", "b"]'}, "2 symbols, and its output layer"),
    "twice": (lambda t: t, {"vocabulary": '["a", "a"]'}, "stands twice"),
    "another cell": (lambda t: t, {"vocabulary": json.dumps(VOCABULARY.symbols), "cell": "gru"},
                     "cell 'gru', and its arrays lstm"),
    "an extra tensor": (lambda t: {**t, "norm.weight": t["readout.bias"]}, None, "norm.weight"),
    "a name that clears the screen": (lambda t: {**t, "\x1b[2J": t["readout.bias"]}, None,
                                      "'\\x1b[2J' ("),
    "bidirectional": (lambda t: {**t, "rnn.weight_ih_l0_reverse": t["rnn.weight_ih_l0"]}, None,
                      "rnn.weight_ih_l0_reverse"),
    "two stacks": (lambda t: {**t, "b.weight_ih_l0": t["rnn.weight_ih_l0"]}, None, "2 tensors"),
    "no readout": (lambda t: {n: a for n, a in t.items() if "readout" not in n}, None, "nothing"),
    "half a layer": (lambda t: {n: a for n, a in t.items() if n != "rnn.bias_hh_l1"}, None,
                     "lacks rnn.bias_hh_l1"),
    "a wrong shape": (lambda t: {**t, "rnn.weight_hh_l1": t["rnn.weight_ih_l0"]}, None,
                      "weight_hh_l1 is"),
    "a number": (lambda t: {**t, "rnn.weight_hh_l0": np.array(1, np.float32)}, None,
                 "weight_hh_l0 is ()"),
    "a number in": (lambda t: {**t, "rnn.weight_ih_l0": np.array(1, np.float32)}, None,
                    "weight_ih_l0 is ()"),
    "narrow input": (lambda t: {**t, "rnn.weight_ih_l0": t["rnn.weight_hh_l0"]}, None,
                     "reads 7 inputs"),
    "integers": (lambda t: {**t, "readout.bias": np.arange(3)}, None, "is I64"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "facts", "said"), SPOILT.values(), ids=SPOILT)
def test_a_file_that_is_no_model_here(tmp_path, spoil, facts, said):
    tensors = load(Model([]).to("torch"))
    with pytest.raises(CheckpointError, match=re.escape(said)):
        imported(tmp_path, spoil(tensors), facts)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_shapes_make_a_traceback(tmp_path_factory, data):
    names = ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0",
             "readout.weight", "readout.bias", "emb.weight"]  # fmt: skip
    shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
    tensors = {
        name: np.ones(data.draw(shapes), np.float32)
        for name in data.draw(st.sets(st.sampled_from(names)))
    }
    path = tmp_path_factory.mktemp("hostile") / "model.safetensors"
    path.write_bytes(save(tensors, {"vocabulary": '["a", "b"]'}))
    try:
        checkpoint, _ = starting_point(path, "tanh")
        build.config_of(checkpoint, "it")
    except CheckpointError:
        pass


# -- what a format lacks ----------------------------------------------------------------------

LACKING = ["activation=sigmoid", "peepholes=true", "forget_gate=false",
           "cell_input=logistic", "cell_output=identity"]  # fmt: skip


@pytest.mark.parametrize("item", LACKING)
def test_what_torch_lacks_is_named(item):
    key, value = item.split("=")
    cell = ["model.cell=rnn"] if key == "activation" else []
    with pytest.raises(UsageError, match=f"has no model.{key}: {value}\n.*onnx. takes it"):
        Model([*cell, f"model.{item}"]).to("torch")


# -- ONNX -------------------------------------------------------------------------------------


def session(data):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


@needs("onnx", "onnxruntime")
@pytest.mark.parametrize("sets", EVERY_ONNX)
def test_onnxruntime(sets):
    model = Model(sets)
    runtime = session(model.to("onnx"))
    facts = runtime.get_modelmeta().custom_metadata_map
    assert json.loads(facts["vocabulary"]) == list(VOCABULARY.symbols)
    names = [given.name for given in runtime.get_inputs()][1:]
    assert names == (["h", "s"] if model.config.model.cell == "lstm" else ["h"])
    shape = (model.config.model.num_layers, B, 7)

    def run():
        state = {name: np.zeros(shape, np.float32) for name in names}
        for x in windows():
            Z, *states = runtime.run(["logits", *(f"{n}_out" for n in names)], {"x": x, **state})
            state = dict(zip(names, states, strict=True))
            yield softmax(Z)

    assert_equal(model, run())


@needs("onnx")
def test_onnx_of_float64_is_float32_and_what_does_not_fit_is_refused():
    model = Model(["runtime.dtype=float64"])
    assert model.to("onnx") == model.to("onnx")
    assert len(model.to("onnx")) < model.network.params.flat.nbytes
    model.network.params["output.V"][0, 0] = 1e300
    with pytest.raises(CheckpointError, match=r"output\.V is too large"):
        model.to("onnx")


@needs("onnx")
@pytest.mark.skipif(
    not RUNTIME.exists() or shutil.which("node") is None,
    reason="needs Node.js, and npm install --ignore-scripts in examples/",
)
@pytest.mark.parametrize("sets", [
    [], ["model.cell=gru", "data.mode=lines"], ["data.unit=byte"],
    ["data.mode=records", "data.separator=·"], ["data.mode=records", "data.unit=byte"],
])  # fmt: skip
def test_the_example_in_javascript_writes_what_charrnn_does(charrnn, tmp_path, sets):
    unit = "byte" if "data.unit=byte" in sets else "char"
    text = TEXT + "naïve"
    symbols = text.encode().decode("latin-1") if unit == "byte" else text
    ends = RECORD_END if "data.mode=records" in sets else ""
    model = Model(sets, vocabulary=Vocabulary.of(symbols + ends, unit), spread=2)
    if ends:
        model.network.params["output.c"][model.vocabulary.symbols.index(ends)] += 4
    saved(tmp_path / "model.safetensors", model)
    (tmp_path / "model.onnx").write_bytes(model.to("onnx"))
    example = ROOT / "examples" / "onnx_sample.mjs"
    node = ["node", example, tmp_path / "model.onnx", "naïve ", "60", "0"]
    theirs = subprocess.run(node, capture_output=True, check=True, timeout=PATIENCE).stdout
    ours = raw(tmp_path, "sample", "model.safetensors", "--prime", "naïve ", "--length", 60,
               "--temperature", 0, "--initial-state", "zero")  # fmt: skip
    assert theirs == ours
    assert len(set(ours)) > (5 if ends else 10)
    if ends:
        assert layout_of(model.config.data).written.encode() in theirs


# -- the command ------------------------------------------------------------------------------


def saved(path, model):
    vocabulary = {"unit": model.vocabulary.unit, "symbols": list(model.vocabulary.symbols)}
    meta = {**META, "step": 0, "config": model.config.model_dump(mode="json"),
            "vocabulary": vocabulary}  # fmt: skip
    write(path, Checkpoint(dict(model.network.params), Metadata.of(meta)))


def raw(folder, *args) -> bytes:
    """What the real program writes to stdout, and it is content."""
    command = [sys.executable, "-m", "charrnn", *map(str, args)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, check=True, timeout=PATIENCE
    )
    return done.stdout


def test_a_run_goes_out_and_comes_back(charrnn, tmp_path):
    model = Model(["model.cell=gru", "runtime.dtype=float64"])
    saved(tmp_path / "model.safetensors", model)
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    done = charrnn("export", "model.safetensors", "--to", "torch", "--out", "out.safetensors")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"out.safetensors: gru, 2 × 7, K = {VOCABULARY.K}, ")
    data = model.to("torch")
    assert (tmp_path / "out.safetensors").read_bytes() == data
    assert raw(tmp_path, "export", "model.safetensors", "--to", "torch", "--out", "-") == data
    begun = ["train", "--init-from", "out.safetensors", "--text", "text.txt", "--steps", 0]
    done = charrnn(*begun, "--set", "runtime.dtype=float64", "--out", "back", "-q")
    assert done.returncode == 0, done.stderr
    ask = ["--text", "text.txt", "--split", "all", "--format", "json"]
    before, after = (charrnn("eval", name, *ask).stdout for name in ("model.safetensors", "back"))
    assert before == after != ""


def test_a_configuration_of_another_model_is_told_what_to_set(tmp_path):
    path, text = tmp_path / "out.safetensors", tmp_path / "text.txt"
    path.write_bytes(Model(["model.cell=gru"]).to("torch"))
    text.write_text(TEXT, encoding="utf-8")
    for sets, told in (
        (["model.hidden_size=9"], "--set model.cell=gru --set model.hidden_size=7$"),
        (["model.cell=gru", "model.bias=false"], "hidden_size=7 --set model.bias=true$"),
        (["data.unit=byte"], "--set data.unit=char$"),
    ):
        with pytest.raises(ConfigError) as caught:
            start_run(config.load(None, [f"data.text={text}", *sets]), "t", tmp_path / "run", path)
        assert re.search(told, in_options(caught.value.message))
    with pytest.raises(CheckpointError, match='train\\(init_from="FILE"'):
        read(path)


def test_mistakes(charrnn, tmp_path):
    saved(tmp_path / "model.safetensors", Model(["model.peepholes=true"]))
    export = ["export", "model.safetensors", "--to", "torch", "--out"]
    fails(charrnn(*export, "a.safetensors"), 2, "model.peepholes: true", "--to onnx takes it")
    saved(tmp_path / "model.safetensors", Model([]))
    fails(charrnn(*export, "model.safetensors"), 2, "is the checkpoint")
    fails(charrnn(*export, "no/such.safetensors"), 4, "No such file", "name a file")
    done = charrnn(*export, "a.st")
    assert done.returncode == 0
    assert "notice: it is a .safetensors file" in done.stderr
    if importlib.util.find_spec("onnx") is None:
        done = charrnn("export", "model.safetensors", "--to", "onnx", "--out", "a.onnx")
        fails(done, 6, install_command("onnx"))
    (tmp_path / "a.pt").write_bytes(b"\x80\x04.")
    fails(charrnn("train", "--init-from", "a.pt", "--steps", 0), 4, "pickle", "save_file(")
