"""What the distributions hold: the source one all of the repository, the wheel all that a home needs and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("src", "tests", "docs", "web", "benchmarks")
LOOSE = ("README.md", "LICENSE", "CHANGELOG.md", "MANIFEST.in", "Makefile", "constraints.txt", "pyproject.toml")
MADE = ("__pycache__", "node_modules", "*.egg-info", "*.pyc", "build", "plugin", "studio")
BUILD = "import sys, setuptools.build_meta as build; getattr(build, sys.argv[1])(sys.argv[2])"
pytestmark = [pytest.mark.slow]


def build(tree: Path, what: str, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, "-c", BUILD, what, str(into)], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return next(into.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str], set[str]]:
    """The files of a checkout in which the studio, the plugin and an environment have been made, of its source distribution, and of the
    wheel that is built from that."""
    folder = tmp_path_factory.mktemp("packaging")
    tree = folder / "checkout"
    for name in OURS:
        shutil.copytree(
            ROOT / name, tree / name, ignore=shutil.ignore_patterns(*MADE) if name == "src" else shutil.ignore_patterns(*MADE[:4])
        )
    for name in LOOSE:
        shutil.copy(ROOT / name, tree / name)
    checkout = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file() and path.name != ".gitattributes"}
    for made in ("web/studio/node_modules/a/a.js", "docs/__pycache__/a.pyc", ".venv/a.py"):
        (tree / made).parent.mkdir(parents=True)
        (tree / made).touch()
    faces = {"src/notewright/server/studio/index.html", "src/notewright/server/studio/assets/a.js", "src/notewright/plugin/main.js"}
    for face in faces:
        (tree / face).parent.mkdir(parents=True, exist_ok=True)
        (tree / face).write_text("made")
    packed = build(tree, "build_sdist", folder / "sdist")
    with tarfile.open(packed) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    unpacked = next((folder / "unpacked").iterdir())
    source = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    with zipfile.ZipFile(build(unpacked, "build_wheel", folder / "wheel")) as archive:
        wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
    return checkout | faces, source, wheel


def test_the_source_distribution_is_the_repository(built: tuple[set[str], set[str], set[str]]) -> None:
    checkout, source, _ = built
    assert checkout - source == set()
    assert {name for name in source - checkout if ".egg-info/" not in name} == {"PKG-INFO", "setup.cfg"}


def test_the_wheel_is_the_package(built: tuple[set[str], set[str], set[str]]) -> None:
    checkout, _, wheel = built
    package = {name.removeprefix("src/") for name in checkout if name.startswith("src/notewright/")}
    assert wheel == {name for name in package if not name.startswith("notewright/sample/content/")}  # the sample is made of it, beforehand
    assert {"notewright/seedling/model/model.safetensors", "notewright/sample/data/vault/.obsidian/app.json"} <= wheel
