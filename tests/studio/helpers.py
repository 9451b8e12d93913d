"""Whether a page can be used by everyone, a tab that is hidden, candidates, pairs, answers that are held back or made up, a slow writer."""

from __future__ import annotations

import threading
from typing import Any

import small_world
from conftest import REPOSITORY
from walks import Server, ask, eventually

HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""  # or show the tab again
JOB = {
    "id": "job-1", "kind": "improve", "title": "Improving", "state": "running", "done": None, "total": None, "text": "", "run_id": "",
    "started_at": "2025-01-01T00:00:00Z", "ended_at": "", "can_stop": True, "stopping": False, "problem": None, "result": None,
    "improved": None,
}  # fmt: skip
RUN = {
    "id": "run-8", "method": "sft", "status": "running", "created_at": "2025-01-01T00:00:00Z", "dataset_id": "", "parent_model_id": "",
    "recipe": {}, "metrics": {},
}  # fmt: skip
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


def written(server: Server, thing: str) -> dict:
    """Candidates of the small world's book of it."""
    return ask(server, "/api/drafts", {"source": f"A Book of {thing.title()}", "chapter": "Beginnings", "n": 3, "stream": False})


def proposed(server: Server) -> list[str]:
    return [item["id"] for item in ask(server, "/api/pairs/review?limit=20")["pairs"]]


def settings_form(page: Any) -> Any:
    """Of the library's page, unfolded."""
    page.get_by_role("heading", name="Settings").click()
    return page.get_by_role("form", name="Settings")


def choose_note(page: Any, name: str) -> Any:
    """The accept dialog, once it shows the change of that new note."""
    dialog = page.get_by_role("dialog")
    search = dialog.get_by_label("Search notes")
    search.or_(dialog.get_by_role("button", name="Another note")).first.wait_for()
    if not search.count():
        dialog.get_by_role("button", name="Another note").click()
    search.fill(name)
    dialog.get_by_role("button", name=f"New note: {name}.md").or_(dialog.get_by_role("button", name=f"{name}.md")).first.click()
    dialog.get_by_role("region", name="Change of the note").wait_for()
    return dialog


class Slow(small_world.ScriptedEngine):
    """Writes on and on while `go_on` is not set; whoever stops it is heard."""

    def __init__(self) -> None:
        super().__init__(small_world.numbered)
        self.go_on = threading.Event()
        self.go_on.set()

    def generate(self, messages: Any, *, n: int = 3, on_token: Any = None, **wishes: Any) -> Any:
        step = 0
        while not self.go_on.wait(0.05):
            step += 1
            on_token(step, n)
        return super().generate(messages, n=n, on_token=on_token, **wishes)


class Held:
    """What the page asks for there is answered when `go_on` is called, and from then on at once."""

    def __init__(self, page: Any, path: str) -> None:
        self.page, self.path, self.routes = page, path, []
        page.route(path, lambda route: self.routes.append(route))

    def wait(self, count: int = 1) -> None:
        eventually(lambda: len(self.routes) >= count, pause=lambda seconds: self.page.wait_for_timeout(1000 * seconds))

    def go_on(self) -> None:
        self.wait()
        self.page.unroute(self.path)
        for route in self.routes:
            route.continue_()
        self.page.wait_for_timeout(400)
