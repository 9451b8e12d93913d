"""Whether a page can be used by everyone."""

from __future__ import annotations

from typing import Any

from conftest import REPOSITORY

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
