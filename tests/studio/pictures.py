"""Pictures of every page for docs/studio.md, light and dark, on the bundled sample.

In the repository: python tests/studio/pictures.py [FOLDER]

FOLDER is one that `notewright demo --keep FOLDER` made, so that there are versions and trainings to show; after a
`notewright --home FOLDER/home improve --effort quick` there is a report, too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from playwright.sync_api import sync_playwright  # noqa: E402

from walks import CHROMIUM, FLAGS, Server, ask, serve, serve_sample  # noqa: E402


def prepare(server: Server) -> dict[str, Any]:
    """Candidates to look at, some of them ranked, a comment that proposes a rule."""
    source = ask(server, "/api/sources?q=what+moss+knows")["sources"][0]
    chapter = ask(server, f"/api/sources/{source['id']}")["chapters"][0]["chapter"]
    wish = {"source": source["id"], "chapter": chapter, "n": 3, "stream": False, "max_new_tokens": 300}
    batches = [ask(server, "/api/drafts", {**wish, "seed": seed}) for seed in (1, 2, 3)]
    for batch in batches[1:]:
        ask(server, f"/api/batches/{batch['id']}/ranking", {"order": [[draft["id"]] for draft in batch["drafts"]]})
    first = batches[1]["drafts"][0]["id"]
    ask(server, "/api/comments", {"draft_id": first, "text": "shorter bullets please", "chips": ["too long"]})
    return batches[0]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        servers = serve(Path(sys.argv[1]).absolute()) if len(sys.argv) > 1 else serve_sample(Path(folder))
        server = next(servers)
        batch = prepare(server)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(server.link)
        query = urlencode({"source": batch["source_id"], "chapter": batch["chapter"], "batch": batch["id"]})
        ready = {
            f"draft?{query}": ".card .reading > *", "queue": ".waiting", "pairs": "mark", "taste": "[data-line]", "models": "tbody tr",
            "library": "[aria-label='Sources found'] li",
        }  # fmt: skip
        for address, selector in ready.items():
            name = address.partition("?")[0]
            page.goto(f"{server.address}/{address}")
            page.locator(selector).first.wait_for()
            page.get_by_text("Judging your choices").wait_for(state="hidden")
            if name == "draft":
                page.keyboard.press("2")
            trainings = page.locator("[aria-label=Trainings] button[aria-expanded]").filter(has_text="finished")
            if name == "models" and trainings.count():
                trainings.first.click()
                page.locator("figure [aria-label^=Loss]").wait_for()
            reports = page.locator("summary").filter(has_text="What every improve came to")
            if name == "models" and reports.count():
                reports.click()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(400)
                page.screenshot(path=ROOT / "docs" / "studio" / f"{name}-{scheme}.png", full_page=name == "models")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{server.address}/draft?{query}")
        page.locator(ready[f"draft?{query}"]).first.wait_for()
        page.wait_for_timeout(400)
        page.screenshot(path=ROOT / "docs" / "studio" / "draft-phone.png")
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
