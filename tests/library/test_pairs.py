"""Pairs: proposals come and go, decisions stay, and every decision is an event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notewright.errors import NotFound
from notewright.library import Library
from notewright.records import Highlight, Note, Pair, PairLink, Passage, Source


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


def note(library: Library, path: str, *texts: str) -> None:
    """A vault of one note with these passages, each under its own number."""
    start, passages = 0, []
    for number, text in enumerate(texts):
        end = start + len(text.encode())
        passages.append(Passage(f"p-{path}-{number}", f"note-{path}", path, start, end, text, ("H",)))
        start = end + 1
    library.notes.sync([(Note(f"note-{path}", path, "T", "|".join(texts)), passages)])


def pair_up(library: Library) -> None:
    library.pairs.propose([
        Pair("", "readwise:9", item.note_id, item.note_path, item.id, item.start, item.end, item.text, 0.9, "quote", "proposed",
             (PairLink("readwise:0", 0.9, "quote"),), item.headings)
        for item in library.notes.passages()
    ])  # fmt: skip


def test_decided_pairs_follow_their_passages(filled: Library) -> None:
    first, second = "the first passage of this note", "quite another one, the second"
    note(filled, "a.md", first, second)
    pair_up(filled)
    one, two = filled.pairs.all()
    filled.pairs.decide(one.id, "accepted")
    filled.pairs.decide(two.id, "rejected")

    def now() -> list[tuple[str, str, str, int, str]]:
        pair_up(filled)
        return [(item.id, item.status, item.note_path, item.passage_start, item.passage_text) for item in filled.pairs.all()]

    note(filled, "a.md", "new above", first, second)  # moved, and each in the other's former place
    assert now()[1:] == [(one.id, "accepted", "a.md", 10, first), (two.id, "rejected", "a.md", 41, second)]
    note(filled, "a.md", first, second)
    assert now() == [(one.id, "accepted", "a.md", 0, first), (two.id, "rejected", "a.md", 31, second)]
    mended = first.replace("first", "foremost")
    note(filled, "a.md", mended, second)
    assert now()[0] == (one.id, "accepted", "a.md", 0, mended)
    note(filled, "new name.md", mended, second)
    assert now() == [(one.id, "accepted", "new name.md", 0, mended), (two.id, "rejected", "new name.md", 34, second)]
    note(filled, "new name.md", "nothing of all that is left in here", second)
    kept = {item[0]: item for item in now()}
    assert kept[one.id][4] == mended
    assert kept[two.id][3:] == (36, second)
    assert len(kept) == 3  # the new text is a proposal of its own


def test_the_same_decision_again_is_no_event(filled: Library) -> None:
    filled.pairs.propose([proposal("p-1")])
    pair_id = filled.pairs.all()[0].id
    filled.pairs.decide(pair_id, "rejected", merged=True)
    for status in ("rejected", "rejected", "accepted", "accepted"):
        assert filled.pairs.decide(pair_id, status).status == status
    told = [(event.payload["status"], "merged" in event.payload) for event in filled.pairs.history(pair_id)]
    assert told == [("rejected", True), ("rejected", False), ("accepted", False)]
    links = filled.pairs.get(pair_id).links
    assert filled.pairs.decide(pair_id, "accepted", links=links) == filled.pairs.decide(pair_id, "accepted", links=list(links))
    assert len(filled.pairs.history(pair_id)) == 3


def test_decided_pairs_follow_their_highlights_into_another_source(filled: Library) -> None:
    """Two books that were merged in Readwise: the highlights keep their ids, and are in the other book now."""
    note(filled, "a.md", "the first passage of this note", "quite another one, the second")
    pair_up(filled)
    one, two = filled.pairs.all()
    filled.pairs.decide(one.id, "accepted")
    filled.pairs.decide(two.id, "rejected")
    merged = tuple(Highlight(text=f"text {number}", outside_ids=(f"readwise:{number}",)) for number in range(3))
    books = [
        Source(title="Whole", outside_ids=("readwise:10",), highlights=merged),
        Source("Book", outside_ids=("readwise:9",), is_deleted=True),
    ]
    filled.sources.upsert(books, origin="api", complete=True)
    again = [replace(item, id="", source_id="readwise:10", status="proposed") for item in (one, two)]
    assert filled.pairs.propose(again)["decided"] == 2
    assert {(item.id, item.source_id, item.status) for item in filled.pairs.all()} == {
        (one.id, "readwise:10", "accepted"),
        (two.id, "readwise:10", "rejected"),
    }
