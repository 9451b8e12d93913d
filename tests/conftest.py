"""Fixtures shared by all tests: a home of its own for every test, the bundled sample, the outside data where it is at hand."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

import tiny_models
import warm
from notewright.library import Library
from notewright.settings import silence_telemetry
from notewright.training import runs

silence_telemetry()
hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is not a defect
hypothesis.settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with trainings first: of two workers none is left alone with them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throw-away NOTEWRIGHT_HOME; no test ever sees the real one."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(folder))
    monkeypatch.delenv("READWISE_TOKEN", raising=False)
    return folder


@pytest.fixture(autouse=True)
def warmed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings begin with their libraries read, but in tests that are marked `cold` or close the sockets of children."""
    if not request.node.get_closest_marker("cold") and "no_network" not in request.fixturenames:
        monkeypatch.setattr(runs, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": warm.popen}))
        monkeypatch.setattr(runs, "is_alive", warm.is_alive)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny base never ends a draft by itself: what is looked at for made-up words is no longer than what tests teach."""
    if "notewright.training.babble" in sys.modules:
        monkeypatch.setattr("notewright.training.babble.LONGEST", warm.LONGEST)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "home"
    Library.create(folder).close()
    return folder


@pytest.fixture
def library(home: Path, empty_home: Path) -> Iterator[Library]:
    """An empty one, copied: its migrations would take longer than most of what is looked at. One that is there already is opened."""
    if not home.exists():
        shutil.copytree(empty_home, home)
    with Library.create(home) as opened:
        yield opened


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of a person in New York: five hours behind UTC, four in summer."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def sample() -> Path:
    """The bundled sample's data folder (read-only: copy what a test writes to)."""
    return REPOSITORY / "src" / "notewright" / "sample" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real vaults and corpora kept beside the checkout; tests that use them skip where they are absent."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random base of one shape, built once."""
    root = tmp_path_factory.mktemp("bases")

    def base(shape: str) -> Path:
        folder = root / shape
        return folder if folder.exists() else tiny_models.build(shape, folder)

    return base


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One Chromium for all walks; skips where there is none."""
    from walks import CHROMIUM, FLAGS, needs_chromium

    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield opened
        opened.close()


CLOSED_SOCKETS = """
import socket
def refuse(self, address, *rest):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        with open({log!r}, "a") as file:
            file.write(repr(address) + "\\n")
        raise OSError("this test allows no network: " + repr(address))
    return connect(self, address, *rest)
connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refuse
"""


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Close the internet sockets of this process and of its children; the returned file lists every address that was tried."""
    log = tmp_path / "connections.txt"
    log.touch()
    code = CLOSED_SOCKETS.format(log=str(log))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)  # puts the real ones back afterwards
    monkeypatch.setattr(socket.socket, "connect_ex", socket.socket.connect_ex)
    exec(code, {})
    return log
