"""The real server on the bundled sample with the seedling, and a real Chromium before it. Skips, saying why, where either is missing."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import small_world
from conftest import REPOSITORY
from notewright.library import Library
from notewright.server import create_app
from notewright.settings import save_settings
from served import ScriptedEngines, serve
from walks import Server, needs_chromium, serve_sample

BUILT = REPOSITORY / "src" / "notewright" / "server" / "studio" / "index.html"
things = itertools.cycle(small_world.THINGS[2:])
EXPECTED = re.compile(r"net::ERR|status of 4")  # the browser's own lines about a server that is away, or a refusal we show


def needs_browser() -> None:
    needs_chromium()
    if not BUILT.exists():
        pytest.skip("the studio is not built (make studio)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On the sample: imported, paired, the seedling as its model. Each file of tests has its own, as what one records others would see."""
    needs_browser()
    yield from serve_sample(tmp_path_factory.mktemp("studio"))


def shorten(route: Any) -> None:
    """The page's drafts are fewer and end early: how many and how long is none of these tests' business. More are written than shown."""
    wish = route.request.post_data_json
    route.continue_(post_data=json.dumps(wish | {"written": 4, "max_new_tokens": 8 if wish.get("ahead") else 120}))


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A logged-in page of a fresh browser profile. The test fails on any script error, dialog, refused resource, or outside request."""
    # Of what the browser keeps for when the server is away a test would not see whether it was asked for: test_away has it.
    context = browser.new_context(viewport={"width": 1360, "height": 900}, service_workers="block")
    context.set_default_timeout(30_000)
    context.set_default_navigation_timeout(60_000)  # on a busy machine the code of a page comes slowly
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


@pytest.fixture(scope="module")
def engines() -> ScriptedEngines:
    return ScriptedEngines()


@pytest.fixture
def thing() -> str:
    """A source of the small world that no other test of the file writes about, without a note."""
    return next(things)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory, engines: ScriptedEngines) -> Iterator[Server]:
    """On a small world whose writer is the file's own `engines`, so that no model is needed."""
    needs_browser()
    folder = tmp_path_factory.mktemp("small")
    with Library.create(folder / "home") as library:
        settings = small_world.build(library, folder, paired=("rivers", "looms")).settings
        small_world.base_model(library)
        save_settings(settings)
    app = create_app(settings, engines=engines)
    with serve(app) as address:
        yield Server(settings, link=f"{address}/login?token={app.state.context.token}")
