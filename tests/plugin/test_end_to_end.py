"""The built plugin in a small Obsidian, in a real Chromium, against the real server: draft, rank, accept, edit.

The note's bytes and the server's events are looked at, not only the page. With NOTEWRIGHT_PICTURES=FOLDER the pictures of docs/obsidian.md
are taken on the way.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import walks
from conftest import REPOSITORY
from notewright.library import Library
from walks import Server, events, needs_chromium, serve_sample

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("NOTEWRIGHT_PICTURES", "")
SIZE: Any = {"width": 900, "height": 1000}
WEB = REPOSITORY / "web" / "plugin"
STYLE = REPOSITORY / "web" / "studio" / "src" / "style"
BUILT = REPOSITORY / "src" / "notewright" / "plugin" / "main.js"
NOTE = "Notes/Articles/What Moss Knows About Cities.md"
ORIGIN = "http://localhost"  # as Obsidian on a phone: an origin that the server lets in. No server is there, the test answers for it.


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    needs_chromium()
    if not BUILT.exists() or not (WEB / "node_modules" / ".bin" / "esbuild").exists():
        pytest.skip("the plugin is not built (make plugin)")
    yield from serve_sample(tmp_path)


def shorten(route: Any) -> None:
    """Shorter and more different drafts than a person gets: how good they are is not this test's business, but a picture's."""
    change = {} if PICTURES else {"written": 4, "max_new_tokens": 80, "temperature": 1.4}
    route.continue_(post_data=json.dumps(route.request.post_data_json | change))


@pytest.fixture
def host(browser: Any, server: Server, tmp_path: Path) -> Iterator[Any]:
    """A page with the small Obsidian on the vault's real files, the plugin loaded."""
    vault = server.settings.need_vault()
    bundle = tmp_path / "host.js"
    options = ["--bundle", "--format=iife", f"--outfile={bundle}", "--log-level=error"]
    subprocess.run(["node_modules/.bin/esbuild", "tests/host.ts", *options], cwd=WEB, check=True)
    base, reading = ((STYLE / name).read_text(encoding="utf-8") for name in ("base.css", "reading.css"))
    styles = base + reading.replace(".reading", ".markdown-rendered") + THEME + (BUILT.parent / "styles.css").read_text(encoding="utf-8")
    page_html = f"<!doctype html><meta charset=utf-8><title>Vault</title><style>{styles}</style><body></body>"
    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(120_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((ORIGIN, server.address)) else wrong.append(sent.url))
    page.route(f"{ORIGIN}/**", lambda route: route.fulfill(body=page_html, content_type="text/html"))
    page.route("**/api/drafts", shorten)
    page.expose_function("diskList", lambda: [path.relative_to(vault).as_posix() for path in vault.rglob("*.md")])
    page.expose_function("diskRead", lambda path: (vault / path).read_bytes().decode())
    page.expose_function("diskWrite", lambda path, text: (vault / path).write_bytes(text.encode()) and None)
    page.expose_function("diskRename", lambda path, to: (vault / path).rename(vault / to) and None)
    page.expose_function("diskRemove", lambda path: (vault / path).unlink())
    page.goto(f"{ORIGIN}/")
    page.add_script_tag(content=bundle.read_text(encoding="utf-8"))
    page.evaluate("([main, address, link]) => host.start(main, address, link)", [BUILT.read_text(), server.address, server.link])
    yield page
    context.close()
    assert wrong == []


def eventually(host: Any, what: Callable[[], Any], wanted: Any) -> None:
    """The vault's files lie behind functions of this process, which Playwright answers only while it is waited for."""
    walks.eventually(what, wanted, pause=lambda seconds: host.wait_for_timeout(seconds * 1000))


THEME = """
body { --background-primary: #fff; --background-modifier-border: var(--line); --interactive-accent: #7b6cd9; --text-muted: var(--soft);
  --text-accent: #7b6cd9; --text-warning: #a86a10; --text-highlight-bg: #fdf0b4; --text-faint: #999; --color-green: #2f8f4e;
  --size-2-1: 2px; --size-2-2: 4px; --size-4-1: 4px; --size-4-2: 8px; --size-4-3: 12px; --radius-m: 8px; --font-ui-small: 13px;
  --font-ui-smaller: 12px; --font-semibold: 600; --font-monospace: var(--mono); margin: 1rem; }
section > div { display: grid; grid-template-columns: 1fr 15rem; gap: 0 1rem; padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
section > div > p { grid-row: 2; margin: 0; color: var(--soft); font-size: 13px; }
section > div > :is(input, button, select) { grid-row: 1 / 3; grid-column: 2; align-self: center; justify-self: end; }
section > div > :is([type=checkbox], button, select) { width: auto; }
"""


def test_from_a_note_to_a_logged_edit(host: Any, server: Server) -> None:
    vault = server.settings.need_vault()
    before = {path: path.read_bytes() for path in vault.rglob("*") if path.is_file()}
    host.evaluate("([path]) => host.open(path, 0)", [NOTE])
    host.evaluate("host.command('draft-section')")
    host.locator("dialog button").first.click()  # which chapter?
    host.wait_for_selector(".notewright-card button", timeout=120_000)
    cards = host.locator(".notewright-card")
    count = cards.count()
    assert 1 <= count <= 3, "fewer than asked for only where the others came out alike"
    eventually(host, lambda: all(card.locator(".notewright-body > *").count() for card in cards.all()), True)

    blocks = host.locator(".notewright-rests, .notewright-own")
    blocks.first.wait_for()
    assert re.match("“.+”|No highlight", blocks.first.get_attribute("aria-label")), "where it comes from is told under the pointer"

    host.locator(".notewright-review").focus()
    order = [2, 1, 3][:count] if count > 1 else [1]
    for number in order:
        host.keyboard.press(str(number))
    eventually(host, lambda: len(events(server, "ranking")), 1)
    with Library.open(server.settings.home) as library:
        drafts = library.drafts.batch(events(server, "ranking")[0].subject)
        ranked = events(server, "ranking")[0].payload["order"]
    assert isinstance(ranked, list)
    assert [len(group) for group in ranked] == [1] * count

    picture(host, "review")
    path = vault / NOTE
    first = cards.nth(order[0] - 1)
    first.get_by_role("button", name="Put this draft into the note").click()
    if first.locator(".notewright-problem").count():  # it is shown once more before it is taken
        host.locator("dialog").get_by_role("button", name="Accept").click()
    eventually(host, lambda: len(events(server, "insertion")), 1)
    after = path.read_bytes()
    insertion: Any = events(server, "insertion")[0].payload["insertion"]
    start, inserted = insertion["start"], insertion["inserted"].encode()
    assert after == before[path][:start] + inserted + before[path][start:]
    assert start >= before[path].index(b"\n---\n") + 5, "not into the properties, where the cursor was"
    best = next(draft for draft in drafts if [draft.id] == ranked[0])
    assert best.text.strip() in inserted.decode()
    assert {other: other.read_bytes() for other in before if other != path} == {
        other: data for other, data in before.items() if other != path
    }

    word = max(inserted.decode().splitlines(), key=len)
    host.evaluate("([from, to]) => host.change(from, to)", [word, word + " Indeed."])
    host.evaluate("host.command('log-edits')")
    eventually(host, lambda: len(events(server, "edit")), 1)
    edit = events(server, "edit")[0]
    assert edit.subject == best.id
    assert edit.payload["via"] == "plugin"
    assert "Indeed." in str(edit.payload["final_text"])
    host.evaluate("host.command('log-edits')")
    host.wait_for_timeout(500)
    assert len(events(server, "edit")) == 1
    assert len(events(server, "ranking")) == 1

    # Accepted on the command line, into the note that is open here: this editor writes it, unsaved words and all.
    eventually(host, lambda: walks.ask(server, "/api/status")["editors"], ["vault"])
    with Library.open(server.settings.home) as library:
        other = library.drafts.add([replace(best, id="", text="- A line from elsewhere.", problems=(), findings=())])[0]
    command = [sys.executable, "-m", "notewright.cli", "accept", other.id, "--into", NOTE, "--json"]
    environment = os.environ | {"NOTEWRIGHT_HOME": str(server.settings.home), "PYTHONPATH": str(REPOSITORY / "src")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as accepting:
        eventually(host, accepting.poll, 0)
        assert accepting.stdout
        done = json.loads(accepting.stdout.read())
    last = events(server, "insertion")[-1]
    assert done["events"][-1]["id"] == last.id
    assert last.payload["via"] == "plugin"
    assert other.text.strip() in host.evaluate("host.value()")
    assert host.evaluate("host.value()") == path.read_text(encoding="utf-8")
    assert len(events(server, "insertion")) == 2
    walks.ask(server, "/api/undo", {"number": 2})

    assert told(host, "status").startswith("Connected. 14 sources")
    page = host.evaluate_handle("() => document.body.firstElementChild")
    host.evaluate("host.openSettings()")
    host.get_by_role("button", name="Test connection").click()
    host.get_by_text("Connected. 14 sources").wait_for()
    picture(host, "settings")
    host.evaluate("page => document.body.replaceChildren(page)", page)
    host.evaluate("host.plugin.token.set('wrong')")
    assert "Paste the link that notewright serve prints" in told(host, "draft-section")
    server.stop()
    assert told(host, "next-in-queue") == f"No notewright server answers at {server.address}. Start it with: notewright serve"


def test_a_passage_is_named(host: Any, server: Server) -> None:
    host.evaluate("([path]) => host.open(path, 2)", ["Inbox/Ideas for the balcony.md"])
    host.evaluate("host.command('name-passage')")
    host.locator("dialog button", has_text="What Moss Knows About Cities").click()
    host.locator("dialog button").first.click()  # which chapter?
    dialog = host.locator("dialog")
    boxes = dialog.get_by_role("checkbox")
    boxes.last.uncheck()
    picture(host, "naming")
    count = boxes.count()
    dialog.get_by_role("button", name="They belong together").click()
    eventually(host, lambda: len(events(server, "pair")), 1)
    pairs = walks.ask(server, "/api/pairs?note_path=Inbox/Ideas%20for%20the%20balcony.md")["pairs"]
    assert [(pair["status"], pair["source_title"], len(pair["links"])) for pair in pairs] == [
        ("accepted", "What Moss Knows About Cities", count - 1)
    ]
    assert host.evaluate("host.notices.at(-1)").startswith(f"Written from {count - 1} highlights of What Moss Knows About Cities.")


def picture(host: Any, name: str) -> None:
    if PICTURES:
        host.set_viewport_size({"width": 900, "height": 10})
        host.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
        host.set_viewport_size(SIZE)


def told(host: Any, command: str) -> str:
    """The one notice that a command ends with."""
    before = len(host.evaluate("host.notices"))
    host.evaluate("([id]) => host.command(id)", [command])
    eventually(host, lambda: len(host.evaluate("host.notices")), before + 1)
    return str(host.evaluate("host.notices.at(-1)"))
