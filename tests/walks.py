"""For walks in a real Chromium, through the studio and through the plugin: the real server on the bundled sample with the seedling."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from notewright import importers, pairing
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.models import registry
from notewright.sample import copy_sample
from notewright.settings import Settings, save_settings

CHROMIUM = next(
    (path for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
FLAGS += " --disable-features=LocalNetworkAccessChecks"  # the plugin's page is none of the server's own; Chromium takes it for a far one

WRITING = 120.0  # seconds in which a real model writes, also on a slow machine


@dataclass
class Server:
    """A running `notewright serve`; it can be stopped and started again on the same port."""

    settings: Settings
    link: str = ""
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "notewright.cli", "serve", "--port", str(self.port), "--cold"]
        environment = os.environ | {"NOTEWRIGHT_HOME": str(self.settings.home), "PYTHONPATH": str(REPOSITORY / "src")}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        for line in self.process.stdout:
            if "/login?token=" in line:
                self.link = line.strip()
                break
        else:
            pytest.fail("notewright serve did not start")
        self.port = int(self.link.split("/login")[0].rpartition(":")[2])
        for _ in range(2000):  # the link is printed just before the server answers
            try:
                with urllib.request.urlopen(f"{self.address}/api/health", timeout=60):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail("notewright serve does not answer")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(120)
            assert self.process.stdout
            self.process.stdout.close()
            self.process = None

    @property
    def address(self) -> str:
        return self.link.split("/login")[0]


def needs_chromium() -> None:
    """Skip, saying why, where there is no browser to walk in."""
    pytest.importorskip("playwright", reason="the playwright package is not installed")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")


def serve(folder: Path) -> Iterator[Server]:
    """On the home and the sample's vault in `folder`, until the test ends."""
    server = Server(Settings(home=folder / "home", vault=folder / "sample" / "vault"))
    server.start()
    yield server
    server.stop()


def serve_sample(folder: Path) -> Iterator[Server]:
    """On the sample: imported, paired, the seedling as its model."""
    sample = copy_sample(folder / "sample")
    settings = Settings(home=folder / "home", vault=sample / "vault")
    with Library.create(settings.home) as library:
        save_settings(settings)
        importers.import_readwise(library, path=sample / "readwise.csv")
        import_vault(library, settings=settings)
        pairing.pair(library, settings=settings)
        registry.ensure_base_model(library, settings)
    yield from serve(folder)


def ask(server: Any, path: str, body: object = None, method: str = "") -> Any:
    """The API, as a script asks it."""
    token = server.link.rpartition("token=")[2]
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    wish = urllib.request.Request(server.address + path, data, headers, method=method or ("GET" if data is None else "POST"))
    with urllib.request.urlopen(wish, timeout=120) as response:
        return json.loads(response.read() or b"null")


def events(server: Any, kind: str) -> list[Any]:
    with Library.open(server.settings.home) as library:
        return library.events.all(kind)


def eventually(what: Callable[[], Any], wanted: Any = True, seconds: float = 30.0, pause: Callable[[float], object] = time.sleep) -> None:
    """Wait until it is so: the page tells the server after the fact. Give more `seconds` (`WRITING`) where a real model writes meanwhile.

    A page that calls functions of the test's own process needs a `pause` that lets Playwright answer them: a plain sleep would let it wait.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except IndexError:
            found = None
        if found == wanted:
            return
        assert time.monotonic() < end, f"{found!r} is not {wanted!r}"
        pause(0.05)
