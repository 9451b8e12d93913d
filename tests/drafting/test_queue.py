"""In which order chapters wait for their notes."""

from __future__ import annotations

import pytest

from notewright.drafting import queue
from notewright.library import Library, merging
from notewright.records import Highlight, Source


def put(library: Library, title: str, days: dict[str, int]) -> None:
    """A source whose chapters were highlighted on these days of a month."""
    highlights = tuple(
        Highlight(f"About {chapter} in {title}.", location=place, chapter=chapter, highlighted_at=f"2025-01-{day:02}T08:00:00Z")
        for place, (chapter, day) in enumerate(days.items())
    )
    library.sources.upsert([Source(title, outside_ids=(f"readwise:{title}",), highlights=highlights)], origin="api", complete=True)


def test_new_ones_first_then_sources_by_their_latest_highlight_each_in_reading_order(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "now", lambda: "2025-02-01T00:00:00+00:00")  # one import
    put(library, "Lathes", {"One": 2, "Two": 20, "Three": 3})
    put(library, "Kilns", {"Clay": 5, "Fire": 6})
    put(library, "Quays", {"": 10, "Ropes": 9})
    told = lambda **wish: [(view.source_title, view.chapter) for view in queue(library, **wish)]  # noqa: E731
    lathes = [("Lathes", "One"), ("Lathes", "Two"), ("Lathes", "Three")]
    assert told() == [*lathes, ("Quays", ""), ("Quays", "Ropes"), ("Kilns", "Clay"), ("Kilns", "Fire")]
    monkeypatch.setattr(merging, "now", lambda: "2099-01-01T00:00:00+00:00")
    put(library, "Kilns", {"Clay": 5, "Fire": 6, "Glaze": 8, "Ash": 7})
    assert told(new_only=True) == [("Kilns", "Glaze"), ("Kilns", "Ash")]
    assert told()[:3] == [*told(new_only=True), lathes[0]]
