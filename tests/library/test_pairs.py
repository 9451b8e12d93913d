"""Pairs: proposals come and go, decisions stay, and every decision is an event."""

from __future__ import annotations

import pytest

from notewright.errors import NotFound
from notewright.library import Library
from notewright.records import Highlight, Pair, PairLink, Source


@pytest.fixture
def filled(library: Library) -> Library:
    highlights = tuple(Highlight(text=f"text {number}", outside_ids=(f"readwise:{number}",)) for number in range(3))
    library.sources.upsert([Source(title="Book", outside_ids=("readwise:9",), highlights=highlights)], origin="api", complete=True)
    return library


def proposal(passage: str, score: float = 0.9, *highlights: int) -> Pair:
    links = tuple(PairLink(f"readwise:{number}", score, "quote", "quotes all") for number in highlights or (0,))
    return Pair("", "readwise:9", "note-a", "a.md", passage, 0, 4, "text", score, "quote", "proposed", links, ("H",))


def test_proposals_are_replaced_and_keep_their_ids(filled: Library) -> None:
    assert filled.pairs.propose([proposal("p-1"), proposal("p-2", 0.8, 0, 2)])["added"] == 2
    before = {item.passage_id: item.id for item in filled.pairs.all()}
    counts = filled.pairs.propose([proposal("p-2", 0.7, 1), proposal("p-3")])
    assert counts == {"added": 1, "kept": 1, "removed": 1, "decided": 0}
    after = {item.passage_id: item for item in filled.pairs.all()}
    assert set(after) == {"p-2", "p-3"}
    assert after["p-2"].id == before["p-2"]
    assert [link.highlight_id for link in after["p-2"].links] == ["readwise:1"]


@pytest.mark.parametrize("status", ["accepted", "rejected"])
def test_decisions_outrank_machines(filled: Library, status: str) -> None:
    filled.pairs.propose([proposal("p-1")])
    decided = filled.pairs.decide(filled.pairs.all()[0].id, status)
    assert decided.status == status
    counts = filled.pairs.propose([proposal("p-1", 0.1, 2)])
    assert counts["decided"] == 1
    assert filled.pairs.get(decided.id) == decided
    assert filled.pairs.propose([])["removed"] == 0
    assert filled.pairs.all(status=status) == [decided]


def test_a_decision_is_an_event_and_can_be_taken_back(filled: Library) -> None:
    filled.pairs.propose([proposal("p-1")])
    pair_id = filled.pairs.all()[0].id
    filled.pairs.decide(pair_id, "accepted")
    filled.pairs.decide(pair_id, "proposed")
    assert [event.payload["status"] for event in filled.events.all("pair", subject=pair_id)] == ["accepted", "proposed"]
    assert filled.pairs.propose([])["removed"] == 1
    with pytest.raises(NotFound):
        filled.pairs.get(pair_id)
