"""The memory that is printed before a run is the memory that a window takes."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn import build, config
from charrnn.nn import bptt
from charrnn.nn.dropout import DropoutMasks
from charrnn.runtime import memory
from charrnn.storage.metadata import CONVENTIONS
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


V2 = "30 23 0:26 {root} {top} rw,nosuid shared:4 - cgroup2 cgroup rw\n"
V1 = "35 31 0:31 {root} {top} rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
OTHER = "32 31 0:29 / {top} rw,relatime - cgroup cgroup rw,cpu\n"


@pytest.mark.parametrize(
    ("mount", "file", "cgroup"),
    [
        (V2, "memory.max", "0::{path}\n"),
        (V1, "memory.limit_in_bytes", "4:memory:{path}\n1:cpu:/\n0::/\n"),
        (V1, "memory.limit_in_bytes", "4:hugetlb,memory:{path}\n"),
    ],
)
@pytest.mark.parametrize(
    ("root", "path", "limits", "found"),
    [
        ("/", "/", {"": 100}, [100]),
        ("/", "/a/b", {"": 100, "a": 80, "a/b": 90}, [100, 80, 90]),
        ("/", "/a/b", {"a": 80, "a/b": "max"}, [80]),
        ("/", "/user.slice/my job:1", {"user.slice/my job:1": 7}, [7]),
        ("/docker/1", "/docker/1", {"": 60}, [60]),  # a container that sees its own group alone
        ("/docker/1", "/docker/1/x", {"": 60, "x": 50}, [60, 50]),
        ("/docker/1", "/docker/12", {"": 60, "2": 5}, [60]),
        ("/", "/../other", {"": 60, "../other": 5}, [60]),
        ("/", "/gone", {}, []),
    ],
)
def test_the_limit_of_the_own_group(mount, file, cgroup, root, path, limits, found, tmp_path):
    process, top = tmp_path / "self", tmp_path / "groups" / "memory"
    process.mkdir()
    top.mkdir(parents=True)
    for name, limit in limits.items():
        (top / name).mkdir(parents=True, exist_ok=True)
        (top / name / file).write_text(f"{limit}\n")
    (process / "cgroup").write_text(cgroup.format(path=path))
    mounts = OTHER.format(top=tmp_path / "none") + mount.format(root=root, top=top)
    (process / "mountinfo").write_text(mounts)
    assert memory.group_limits(process) == found


def test_without_control_groups_there_is_no_limit_of_one(tmp_path):
    assert memory.group_limits(tmp_path) == []
    assert memory.total() is None or memory.total() > 0
