"""docs/adding-a-cell.md is followed: a cell that only this test registers is like any other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charrnn import build, config
from charrnn.analysis.gradcheck.cases import case, reference_of
from charrnn.analysis.gradcheck.comparison import check
from charrnn.analysis.gradcheck.reference.cells import STEPS
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import ConfigError, UsageError
from charrnn.export import to_bytes
from charrnn.nn.cells.registry import CellEntry, cell_names, register, unregister
from tests.conftest import PATIENCE, ROOT

PAGE = (ROOT / "docs/adding-a-cell.md").read_text("utf-8")
BLOCK = re.compile(r"^```python\n# (charrnn/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = dict(BLOCK.findall(PAGE))
CELL, REGISTRY, REFERENCE = (
    CODE[f"charrnn/{name}.py"]
    for name in ("nn/cells/mgu", "nn/cells/registry", "analysis/gradcheck/reference/cells")
)
MODES = {
    "full, windows": ["bptt.mode=full", "bptt.window=2"],
    "(k1, k2)": ["bptt.k1=3", "bptt.k2=6"],
    "lines, dropout": ["data.mode=lines", "bptt.mode=full", "model.dropout=0.4"],
    "no bias": ["model.bias=false"],
}
SETS = ["--set=model.cell=mgu", "--set=model.hidden_size=33", "--set=train.batch_size=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The page's files as modules `mgu` and `mgu_registered`, which registers the cell."""
    made = tmp_path_factory.mktemp("mgu")
    (made / "mgu.py").write_text(CELL, encoding="utf-8")
    entry = REGISTRY.strip().rstrip(",").replace("charrnn.nn.cells.mgu", "mgu")
    (made / "mgu_registered.py").write_text(
        "from collections.abc import Sequence\nimport numpy as np\n"
        "from charrnn.analysis.gradcheck.reference.cells import (\n"
        "    Array, Weights, affine, reference_step, sigmoid)\n"
        "from charrnn.nn.cells.registry import CellEntry, register\n"
        f"register({entry})\n{REFERENCE}",
        encoding="utf-8",
    )
    return made


@pytest.fixture
def mgu(folder, monkeypatch):
    """The cell, in this process, for one test."""
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("mgu_registered", None)
    __import__("mgu_registered")
    yield
    unregister("mgu")
    STEPS.pop("mgu", None)


@pytest.fixture
def program(folder, tmp_path):
    """The real program, with the cell registered."""

    def run(*args: object) -> subprocess.CompletedProcess[str]:
        code = (
            "import mgu_registered, runpy; from charrnn.analysis.gradcheck import share; "
            "share.SECONDS = 0.2; runpy.run_module('charrnn', run_name='__main__')"
        )
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    return run


def test_the_page_has_the_three_pieces_of_code():
    assert list(CODE) == [
        "charrnn/nn/cells/mgu.py", "charrnn/nn/cells/registry.py",
        "charrnn/analysis/gradcheck/reference/cells.py",
    ]  # fmt: skip


def test_the_page_names_at_most_five_files():
    section = PAGE.split("## The files")[1].split("## 1.")[0]
    files = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert 3 <= len(files) <= 5
    for name in files:
        assert (ROOT / name).parent.is_dir(), name


@pytest.mark.parametrize("mode", MODES)
def test_its_gradients_are_proved(mgu, mode):
    chosen = case(config.load(None, ["model.cell=mgu", *MODES[mode]]))
    results = check(
        chosen.network, reference_of(chosen.config), chosen.problem,
        window=chosen.config.bptt.window,
    )  # fmt: skip
    assert max(result.max_relative_error for result in results) < 1e-10


def test_a_planted_error_is_caught(mgu, monkeypatch):
    module = sys.modules["mgu"]
    honest = module.MGU.loops

    def careless(**arrays):
        dh = honest.backward(**arrays)
        arrays["dA"][..., : arrays["H"].shape[-1]] *= -1
        return dh

    monkeypatch.setattr(module.MGU, "loops", module.MGULoops(honest.forward, careless))
    chosen = case(config.load(None, ["model.cell=mgu"]))
    results = check(chosen.network, reference_of(chosen.config), chosen.problem)
    assert max(result.max_relative_error for result in results) > 1e-3


def test_it_runs_its_numpy_loops_under_the_compiled_backend(mgu):
    pytest.importorskip("numba", reason="the extra fast is not installed")
    sets = ["model.cell=mgu", "model.hidden_size=8", "runtime.dtype=float64"]
    networks = [
        build.network(config.load(None, [*sets, f"runtime.kernels={kernels}"]), 5)
        for kernels in ("numpy", "numba")
    ]
    assert [net.backend.name for net in networks] == ["numpy", "numba"]
    assert networks[0].cells[0].loops is networks[1].cells[0].loops
    x = np.random.default_rng(0).integers(0, 5, (6, 2)).astype(np.int32)
    logits = []
    for net in networks:
        build.initialise(net, config.load(None, sets))
        logits.append(net.logits(net.forward(x, net.zero_state(2))))
    np.testing.assert_allclose(*logits, rtol=1e-12)


def test_without_the_line_in_the_registry_it_is_no_cell():
    assert "mgu" not in cell_names()
    with pytest.raises(ConfigError, match="'mgu' is not one of rnn, lstm, gru"):
        config.load(None, ["model.cell=mgu"])


def test_an_option_of_another_cell_is_a_mistake(mgu):
    with pytest.raises(ConfigError, match="is for cell: lstm, and the cell is mgu"):
        config.load(None, ["model.cell=mgu", "model.peepholes=true"])


def test_a_name_is_not_given_twice(mgu):
    with pytest.raises(ValueError, match="there is a cell mgu already"):
        register(CellEntry("mgu", "elsewhere:MGU"))


def test_it_trains_samples_and_is_reported_like_any_other(program, text_file, tmp_path):
    trained = program("train", "--text", text_file, *SETS, "--steps", 8, "--out", "run")
    assert trained.returncode == 0, trained.stderr
    assert "model     minimal gated unit, " in trained.stderr
    sampled = program("sample", "run", "--length", 5000, "--seed", 2)
    assert sampled.returncode == 0, sampled.stderr
    assert len(sampled.stdout) >= 5000
    flow = program("gradflow", "run", "--lags", 8)
    assert flow.returncode == 0, flow.stderr
    assert "candidate" in flow.stdout or " n " in flow.stdout
    reported = program("report", "run", "--out", "page.html")
    assert reported.returncode == 0, reported.stderr
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "minimal gated unit" in page
    assert "forget gate f" in page
    proof = program("gradcheck", "run")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    refused = program("export", "run", "--to", "html", "--out", "out.html")
    assert refused.returncode == 2
    assert "has no cell like mgu" in refused.stderr
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize("form", ["torch", "onnx", "html"])
def test_no_format_has_it_and_export_says_so(mgu, form):
    chosen = config.load(None, ["model.cell=mgu", "model.hidden_size=4"])
    params = build.network(chosen, 3).params
    lacking = f"the format {form} has no cell like mgu; it has rnn, lstm, gru"
    with pytest.raises(UsageError, match=lacking):
        to_bytes(form, chosen, Vocabulary("abc"), params)
