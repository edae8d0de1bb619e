"""The script that runs the docs' commands: it finds them, and notices an output that is stale."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import run_docs

PAGE = """Prose, and `$ not a command`.

```console
$ charrnn train --set a=1 \\
    --steps 2
run: runs/x
$ python - <<'E'
print(1)
E
1
```

```yaml
$ not: a command
```
"""


def test_commands_are_found_with_what_continues_them_and_their_output():
    first, second = run_docs.commands("page", PAGE)
    assert (first.line, first.text) == (4, "charrnn train --set a=1 \\\n    --steps 2")
    assert first.output == "run: runs/x"
    assert (second.line, second.text) == (7, "python - <<'E'\nprint(1)\nE")
    assert second.output == "1"


SAME = [
    ("val 1.9695 nats", "val 1.9690 nats"),
    ("error  1.99e-14  ok", "error 6.1e-15  ok"),
    ('{"seconds": 0.397, "step": 20}', '{"seconds": 12.0, "step": 20}'),
    ("float32, numpy kernels, 1 thread", "float32, numba kernels, 2 threads"),
    ("a\n…\nz", "a\nb\nc\nz"),
    (
        "U  144 of 144  1.0e-13  [3, 4] +1.2e-06 vs +1.2e-06  ok",
        "U  144 of 144  1.3e-13  [15, 6] -9.8e-07 vs -9.8e-07  ok",
    ),
    ("step 3\nval 1.5", "step 3\n1:05 left  step 2  loss 3.2\nval 1.5"),
]
STALE = [
    ("memory    3.5 MiB of tape", "memory    11.2 MiB of tape"),
    ("windows   387 an epoch", "windows   388 an epoch"),
    ("val 1.9695 nats", "val 1.9295 nats"),
    ("largest relative error: 1e-13", "largest relative error: 1e-3"),
    ("run: runs/x", "run: runs/x\nnotice: something new"),
    ("the last 512 characters", "the last 513 characters"),
    ("a\nb", "b"),
    ("a\n…\nz", "a\nb\ny"),
    ("a\n…\nz", "a"),
]


@pytest.mark.parametrize(("expected", "found"), SAME)
def test_what_depends_on_the_machine_is_the_same(expected, found):
    assert run_docs.differences(expected, found) == []


@pytest.mark.parametrize(("expected", "found"), STALE)
def test_what_is_stale_is_shown(expected, found):
    lines = run_docs.differences(expected, found)
    assert lines
    assert all(line.startswith(("- ", "+ ")) for line in lines)


@pytest.mark.parametrize("page", ["config", "memory"])
def test_the_commands_of_a_quick_page_give_what_it_says(page):
    script = ROOT / "scripts" / "run_docs.py"
    done = subprocess.run(
        [sys.executable, str(script), page], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differ" in done.stdout
