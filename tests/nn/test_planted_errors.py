"""The checker itself is checked. Each planted error in backward must be caught."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from tests.conftest import make_problem, worst_error
from tests.helpers.variants import CELLS, LSTMS, RNNS

CELL = "charrnn.nn.cells."

# name: (module, right line, wrong line, a model that runs it)
PLANTED = {
    "rnn: derivative left out": (CELL + "rnn", "dA[t] *= dh", "dA[t] = dh", "rnn"),
    "rnn: no error through time": (CELL + "rnn", "np.matmul(dA[t], U_T, out=dh)", "dh[...] = 0", "rnn"),
    "rnn: U not transposed": (CELL + "rnn", "U_T = U.T", "U_T = U", "rnn"),
    "rnn: first step skipped": (CELL + "rnn", "reversed(range(len(dA)))", "reversed(range(1, len(dA)))", "rnn"),
    "rnn: last step skipped": (CELL + "rnn", "reversed(range(len(dA)))", "reversed(range(len(dA) - 1))", "rnn"),
    "rnn: error on outputs overwrites": (CELL + "rnn", "dh += dH[t]", "dh[...] = dH[t]", "rnn"),
    "dU with h_t for h_{t-1}": (CELL + "base", "H[:-1].reshape", "H[1:].reshape", "lstm"),
    "dW of the layer above dropped": (CELL + "base", "X=tape.x.reshape", "X=0 * tape.x.reshape", "lstm"),
    "db halved": (CELL + "base", "column_sums(flat)", "0.5 * column_sums(flat)", "gru"),
    "db of the first layer halved": ("charrnn.nn.window", "column_sums(dA)", "0.5 * column_sums(dA)", "gru"),
    "lstm: output gate dropped": (CELL + "lstm", 'np.multiply(dh, Q[t], out=dy["o"])', 'dy["o"][...] = 0', "lstm"),
    "lstm: h(s) derivative left out": (CELL + "lstm", 'product *= gate["o"][t]\n        product *= dh', 'np.multiply(gate["o"][t], dh, out=product)', "lstm"),
    "lstm: f sees s_t": (CELL + "lstm", 'np.multiply(ds, S[t], out=dy["f"])', 'np.multiply(ds, S[t + 1], out=dy["f"])', "lstm"),
    "lstm: i and g exchanged": (CELL + "lstm", 'np.multiply(ds, gate["i"][t], out=dy["g"])', 'np.multiply(ds, gate["g"][t], out=dy["g"])', "lstm"),
    "lstm: carousel not multiplied by f": (CELL + "lstm", 'ds *= gate["f"][t]', "pass", "lstm"),
    "lstm coupled: wrong sign of s_{t-1}": (CELL + "lstm", 'np.subtract(gate["g"][t], S[t]', 'np.add(gate["g"][t], S[t]', "lstm coupled"),
    "lstm coupled: f = i": (CELL + "lstm", "ds -= product", "ds[...] = product", "lstm coupled"),
    "peepholes: none to o": (CELL + "lstm", "product *= peepholes[-1]\n", "product *= 0\n", "lstm peepholes"),
    "peepholes: i's weights for f": (CELL + "lstm", "np.multiply(d[name][t], peepholes[row]", "np.multiply(d[name][t], peepholes[0]", "lstm peepholes"),
    "peepholes: dP_o sees s_{t-1}": (CELL + "lstm", 'states = S[1:] if name == "o"', 'states = S[:-1] if name == "o"', "lstm peepholes"),
    "truncation forgotten": (CELL + "lstm", "if variant.truncate:\n            dh[...] = 0", "if False:\n            dh[...] = 0", "truncated"),
    "gru: u's carry dropped": (CELL + "gru", "dh *= u\n", "dh *= 0\n", "gru"),
    "gru: reset gate ignored in dm": (CELL + "gru", "np.multiply(d_n, r, out=d_m)", "d_m[...] = d_n", "gru"),
    "gru: wrong sign of n": (CELL + "gru", "np.subtract(H[t], n, out=product)", "np.add(H[t], n, out=product)", "gru"),
    "gru: dq from da_n": (CELL + "gru", "dM.sum", 'dN.sum', "gru"),
    "relu: derivative is 1": ("charrnn.nn.activations", "out[...] = y.real > 0", "out[...] = 1", "relu"),
    "sigmoid: derivative of tanh": ("charrnn.nn.activations", "if self.c1 != 0:", "if False:", "sigmoid"),
    "output layer: c forgotten": ("charrnn.nn.network", "dc += np.ones", "dc += 0 * np.ones", "rnn"),
    "output layer: gradient of y's column": ("charrnn.nn.window", "y] -= 1", "y] += 1", "rnn"),
    "windows: dstate not chained": ("charrnn.nn.bptt", "network.flow_back(tape, dH, dstate, grad,", "network.flow_back(tape, dH, 0 * dstate, grad,", "lstm"),
}  # fmt: skip

MODELS = {
    **CELLS,
    "truncated": LSTMS["lstm forget g=tanh h=tanh truncated"],
    "relu": RNNS["rnn relu"],
    "sigmoid": RNNS["rnn sigmoid"],
}


def functions(module: ModuleType) -> dict[str, FunctionType]:
    """Functions and methods that a module defines, by qualified name."""
    found = {}
    for _, thing in inspect.getmembers(module):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        members = [thing] if inspect.isfunction(thing) else vars(thing).values()
        found.update({f.__qualname__: f for f in members if inspect.isfunction(f)})
    return found


def plant(monkeypatch, tmp_path: Path, name: str, right: str, wrong: str) -> None:
    """Give the functions of a module the code that they have with one line changed."""
    module = importlib.import_module(name)
    source = Path(inspect.getfile(module)).read_text(encoding="utf-8")
    assert source.count(right) >= 1, f"{right!r} is no longer in {name}"
    path = tmp_path / "planted.py"
    path.write_text(source.replace(right, wrong), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    changed = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(importlib.sys.modules, name, changed)
    spec.loader.exec_module(changed)
    monkeypatch.setitem(importlib.sys.modules, name, module)
    for qualified, function in functions(module).items():
        if function.__closure__ is None:
            monkeypatch.setattr(function, "__code__", functions(changed)[qualified].__code__)


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_caught(error, monkeypatch, tmp_path):
    module, right, wrong, model = PLANTED[error]
    sets = ["model.num_layers=2", *MODELS[model]]
    assert worst_error(*make_problem(sets), window=4) < 1e-10
    plant(monkeypatch, tmp_path, module, right, wrong)
    assert worst_error(*make_problem(sets), window=4) > 1e-6
