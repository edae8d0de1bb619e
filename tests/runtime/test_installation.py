"""The advice to install an extra names what this installation came from."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import distributions
from pathlib import Path

import pytest

from charrnn.runtime.installation import DISTRIBUTION, EXTRAS, find_installation, install_command
from tests.conftest import ROOT


def site_packages(folder: Path, direct_url: object = None) -> Path:
    """A folder that holds metadata as pip writes it, and no package."""
    info = folder / f"{DISTRIBUTION.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.0\n")
    if direct_url is not None:
        text = direct_url if isinstance(direct_url, str) else json.dumps(direct_url)
        (info / "direct_url.json").write_text(text)
    return folder


def requirement(folder: Path, package: Path) -> list[str]:
    """What pip is to be given, by the metadata in `folder` and a package that stands elsewhere."""
    installed = distributions(name=DISTRIBUTION, path=[str(folder)])
    return find_installation(installed, package).requirement("fast")


def test_an_editable_checkout_is_named_by_its_folder(tmp_path):
    clone = tmp_path / "my clones" / "charrnn"
    clone.mkdir(parents=True)
    url = {"url": clone.as_uri(), "dir_info": {"editable": True}}
    site = site_packages(tmp_path / "site", url)
    assert requirement(site, site / "charrnn") == ["-e", f"{clone}[fast]"]


@pytest.mark.parametrize(
    "direct_url",
    [
        None,  # from an index
        {"url": "file:///wheels/charrnn_bptt-1.0-py3-none-any.whl", "archive_info": {}},
        {"url": "file:///a/folder", "dir_info": {}},  # copied, not editable
        {"url": "ssh://git@host/charrnn", "vcs_info": {"vcs": "git", "commit_id": "0"}},
        {"url": "file:///no/longer/there", "dir_info": {"editable": True}},
        "not JSON", "[]", '{"dir_info": {"editable": true}}',
    ],
)  # fmt: skip
def test_an_installed_package_is_named_by_its_distribution(tmp_path, direct_url):
    site = site_packages(tmp_path, direct_url)
    assert requirement(site, site / "charrnn") == ["charrnn-bptt[fast]"]


def test_without_metadata_a_clone_is_named_and_else_the_packages_themselves(tmp_path):
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = charrnn-bptt\n")
    assert requirement(tmp_path, tmp_path / "charrnn") == ["-e", f"{tmp_path}[fast]"]
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = another\n")
    assert requirement(tmp_path, tmp_path / "charrnn") == ["numba"]


def test_the_extras_and_the_name_are_those_of_setup_cfg():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    assert settings["metadata"]["name"] == DISTRIBUTION
    for extra, packages in EXTRAS.items():
        required = settings["options.extras_require"][extra].split("\n")
        names = [line.split(";")[0].split(">=")[0].strip() for line in required if line.strip()]
        assert names == list(packages)


def test_the_command_is_for_this_interpreter_and_a_shell_can_read_it(tmp_path):
    words = shlex.split(install_command("fast"))
    assert words[1:4] == ["-m", "pip", "install"]
    assert words[4:] == ["-e", f"{ROOT}[fast]"]  # the tests run from a clone
    named = shutil.which(words[0])
    assert named is not None
    assert Path(named).parent == Path(sys.executable).parent


def test_a_copy_without_metadata_says_so_through_the_program(tmp_path):
    shutil.copytree(ROOT / "charrnn", tmp_path / "a copy" / "charrnn")
    done = subprocess.run(
        [
            sys.executable, "-c",
            "from charrnn.runtime.installation import install_command as c; print(c('plot'))",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "a copy"), "PATH": ""},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    known = bool(list(distributions(name=DISTRIBUTION)))
    words = shlex.split(done.stdout)
    assert words[0] == sys.executable
    assert words[-1] in ({"matplotlib"} if not known else {f"{ROOT}[plot]", "charrnn-bptt[plot]"})


def test_no_file_names_an_extra_by_the_name_of_the_import():
    """`charrnn[fast]` would be fetched from the index, where that name is another project's."""
    done = subprocess.run(
        ["git", "grep", "-nE", r"charrnn\[(fast|plot|onnx|mpi|tensorboard)"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode > 1:
        pytest.skip("not a clone")
    found = [line for line in done.stdout.splitlines() if "test_installation.py" not in line]
    assert not found


def test_no_file_names_the_host_of_a_package_index():
    hosts = "|".join(["pypi" + ".org", "pythonhosted" + ".org", "index" + "-url", "npmjs" + ".com"])
    done = subprocess.run(
        ["git", "grep", "-nE", hosts, "--", ".", ":!*package-lock.json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode > 1:
        pytest.skip("not a clone")
    assert not done.stdout
