"""Which entries gradcheck checks where all would take too long: from sizes and the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

import charrnn
from charrnn.analysis.gradcheck.cases import case
from charrnn.analysis.gradcheck.reference.cells import product
from charrnn.analysis.gradcheck.share import affordable, costs
from charrnn.analysis.gradient_flow.subjects import POSITIONS, Subject
from charrnn.analysis.gradient_flow.subjects import affordable as affordable_positions
from charrnn.api.settings import load_config


def problem(H, L=1, cell="lstm"):
    keys = {"model.cell": cell, "model.hidden_size": H, "model.num_layers": L}
    return case(load_config({**keys, "runtime.kernels": "numpy"}, {}), 65)


def sizes_of(chosen):
    network = chosen.network
    sizes = {name: view.size for name, view in network.params.items()}
    return {name: sizes.get(name, 2 * network.H) for name in costs(network, chosen.problem,
                                                                  "complex-step")}  # fmt: skip


@pytest.mark.parametrize("H", [4, 40, 300])
@pytest.mark.parametrize("method", ["complex-step", "central-difference"])
def test_a_share_of_large_arrays_and_all_of_small_ones(H, method):
    chosen = problem(H)
    sizes, cost = sizes_of(chosen), costs(chosen.network, chosen.problem, method)
    for seconds in (0.5, 7.0):
        counts = affordable(chosen.network, chosen.problem, method, seconds)
        assert counts.keys() == sizes.keys()
        assert all(1 <= counts[name] <= size for name, size in sizes.items())
        time = sum(counts[name] * cost[name] for name in counts)
        whole = sum(sizes[name] * cost[name] for name in sizes)
        least = sum(cost.values())
        assert min(seconds, whole) * 0.8 <= time <= seconds + least
    if H == 4:
        assert affordable(chosen.network, chosen.problem, method, 1e6) == sizes
    else:  # whoever is checked whole is smaller than whoever is not
        gone = [cost[name] * sizes[name] for name in sizes if counts[name] < sizes[name]]
        assert min(gone) > max(
            [cost[name] * sizes[name] for name in sizes if counts[name] == sizes[name]], default=0
        )


def entries(proof):
    return [(result.name, result.checked, result.index) for result in proof.results]


def test_the_same_entries_for_the_same_seed_and_all_on_request(text_file, monkeypatch):
    from charrnn.analysis.gradcheck import share

    monkeypatch.setattr(share, "SECONDS", 0.02)
    keys = {"model.hidden_size": 5, "model.num_layers": 1, "runtime.kernels": "numpy",
            "data.text": [str(text_file)], "bptt.k1": 3, "bptt.k2": 3}  # fmt: skip
    first, again = (charrnn.gradcheck(keys, own_size=True) for _ in range(2))
    other = charrnn.gradcheck({**keys, "train.seed": 2}, own_size=True)
    assert entries(first) == entries(again)
    assert [r.checked for r in first.results] == [r.checked for r in other.results]
    assert any(0 < r.checked < r.size for r in first.results)
    whole = charrnn.gradcheck(keys, own_size=True, every_entry=True)
    assert all(r.checked == r.size for r in whole.results)
    reduced = charrnn.gradcheck(keys)
    assert all(r.checked == r.size for r in reduced.results)
    assert all(proof.ok for proof in (first, other, whole, reduced))


@pytest.mark.parametrize("copies", [(), (3,)])
def test_products_of_copies_are_what_numpy_makes_of_them(copies):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*copies, 2, 5)) + 1j * rng.standard_normal((*copies, 2, 5))
    W = rng.standard_normal((5, 8))[:, 2:6]
    for one, other in ((x, W), (x.real, W), (x, W + 1j), (x, np.stack([W, W + 1j, 2 * W]))):
        if other.ndim == 2 or copies:
            np.testing.assert_allclose(product(one, other), one @ other, rtol=1e-13)


def test_gradflow_measures_fewer_positions_of_large_models():
    def positions(H, share=1):
        chosen = problem(H, 2)
        subject = Subject("m", "as drawn", chosen.network, chosen.config, None)
        return affordable_positions(subject, 100, share)

    assert positions(128) == positions(128, share=7) == POSITIONS == 64
    assert 8 <= positions(512, share=7) < positions(512) < POSITIONS
