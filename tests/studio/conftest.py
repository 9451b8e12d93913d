"""The real server on the bundled sample with the seedling, and a real Chromium before it. Skips, saying why, where either is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
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

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
BUILT = REPOSITORY / "src" / "notewright" / "server" / "studio" / "index.html"
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
EXPECTED = re.compile(r"net::ERR|status of 4")  # the browser's own lines about a server that is away, or a refusal we show


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
        for _ in range(200):  # the link is printed just before the server answers
            try:
                with urllib.request.urlopen(f"{self.address}/api/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail("notewright serve does not answer")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            assert self.process.stdout
            self.process.stdout.close()
            self.process = None

    @property
    def address(self) -> str:
        return self.link.split("/login")[0]


def needs_browser() -> None:
    pytest.importorskip("playwright", reason="the playwright package is not installed")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    if not BUILT.exists():
        pytest.skip("the studio is not built (make studio)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    needs_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield opened
        opened.close()


def serve(folder: Path) -> Iterator[Server]:
    server = Server(Settings(home=folder / "home", vault=folder / "sample" / "vault"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On the sample: imported, paired, the seedling as its model."""
    needs_browser()
    folder = tmp_path_factory.mktemp("studio")
    sample = copy_sample(folder / "sample")
    settings = Settings(home=folder / "home", vault=sample / "vault")
    with Library.create(settings.home) as library:
        save_settings(settings)
        importers.import_readwise(library, path=sample / "readwise.csv")
        import_vault(library, settings=settings)
        pairing.pair(library, settings=settings)
        registry.ensure_base_model(library, settings)
    yield from serve(folder)


def shorten(route: Any) -> None:
    """The page's drafts are fewer and end early: how many and how long is none of these tests' business. More are written than shown."""
    wish = route.request.post_data_json
    route.continue_(post_data=json.dumps(wish | {"written": 4, "max_new_tokens": 8 if wish.get("ahead") else 120}))


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A logged-in page of a fresh browser profile. The test fails on any script error, dialog, refused resource, or outside request."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    context.set_default_timeout(20_000)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    opened.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.on("console", lambda line: wrong.append(line.text) if line.type == "error" and not EXPECTED.search(line.text) else None)
    opened.on("request", lambda request: None if request.url.startswith((server.address, "data:", "blob:")) else wrong.append(request.url))
    opened.route("**/api/drafts", shorten)
    opened.goto(server.link)
    yield opened
    context.close()
    assert wrong == []
