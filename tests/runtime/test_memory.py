"""The memory that is printed before a run is the memory that a window takes."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn import build, config
from charrnn.nn import bptt
from charrnn.nn.dropout import DropoutMasks
from charrnn.storage.migrations import CONVENTIONS
from tests.helpers.variants import CELLS


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_tape_bytes_is_what_the_workspace_holds(cell, dropout):
    T, B, K = 7, 3, 11
    settings = config.load(None, ["model.hidden_size=5", f"model.dropout={dropout}", *CELLS[cell]])
    network = build.network(settings, K)
    masks = None
    if dropout:
        masks = DropoutMasks((0, 0, 0), B, CONVENTIONS).of_streams(network, range(B))
    x = np.zeros((T, B), np.int32)
    state, grad = network.zero_state(B), network.params.like()
    bptt.gradient(network, bptt.Batch(x, x), state, grad, 1.0, masks=masks)
    assert network.tape_bytes(T, B) == network.workspace_bytes
