"""What the walks through the studio share."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from conftest import REPOSITORY
from notewright.library import Library

AXE = REPOSITORY / "web" / "studio" / "node_modules" / "axe-core" / "axe.min.js"


def serious(page: Any) -> list[str]:
    """Serious and critical findings of axe on the page as it stands, in both colour schemes."""
    found: list[str] = []
    source = AXE.read_text(encoding="utf-8")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(source)  # evaluated by the debugger, which the page's policy does not bind
        for finding in page.evaluate("async () => (await axe.run()).violations"):
            if finding["impact"] in ("serious", "critical"):
                found += [f"{scheme}: {finding['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for node in finding["nodes"]]
    page.emulate_media(color_scheme="light")
    return found


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


def eventually(what: Callable[[], Any], wanted: Any = True, seconds: float = 15.0) -> None:
    """Wait until it is so: the page tells the server after the fact."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except IndexError:
            found = None
        if found == wanted:
            return
        assert time.monotonic() < end, f"{found!r} is not {wanted!r}"
        time.sleep(0.05)
