"""The memory that windows share."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.nn.params import Workspace

NAMES, SIZES = st.sampled_from("AHS"), st.integers(1, 5)


@given(st.lists(st.tuples(NAMES, st.tuples(SIZES, SIZES)), min_size=1, max_size=30))
def test_a_name_stands_for_one_memory_whatever_the_shape(asked):
    workspace, largest = Workspace(np.float32), {}
    for value, (name, shape) in enumerate(asked):
        array = workspace(name, shape)
        assert (array.shape, array.dtype) == (shape, np.float32)
        assert array.flags.c_contiguous
        largest[name] = max(largest.get(name, 0), array.size)
        assert workspace.nbytes == 4 * sum(largest.values())
        whole = workspace(name, (largest[name],))
        array[...] = value
        assert (whole[: array.size] == value).all()
