"""What the person does: events that tell the whole situation, insertions into real notes, and taking things back."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, pairing
from notewright.errors import Conflict, Invalid, NotFound
from notewright.feedback.following import start_following
from notewright.library import Library
from notewright.records import Draft, Event
from notewright.text import content_hash
from small_world import ScriptedEngine, numbered

NOTE = "Notes/Rivers.md"


@pytest.fixture
def drafts(world: small_world.World) -> list[Draft]:
    return drafting.draft(
        world.library, settings=world.settings, source="rivers", chapter="Beginnings", seed=3, n=3, written=3,
        engine=ScriptedEngine(numbered),
    )  # fmt: skip


def test_a_ranking_tells_the_whole_situation(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    event = feedback.rank(
        library, batch_id=drafts[0].batch_id, order=[[b], [a]], rejected=[c], comment="c is dull", chips=["too long"], seconds=4.5
    )
    assert library.events.all("ranking") == [event]
    assert event.subject == drafts[0].batch_id
    payload = event.payload
    assert (payload["order"], payload["rejected"]) == ([[b], [a]], [c])
    assert (payload["comment"], payload["chips"], payload["seconds"]) == ("c is dull", ["too long"], 4.5)
    assert (payload["source"], payload["chapter"]) == ("readwise:b-rivers", "Beginnings")
    assert payload["prompt"] == {"id": drafts[0].sampling["prompt_id"], "version": 1}
    assert payload["shown"] == [
        {
            "draft": draft.id, "position": position, "text_hash": content_hash(draft.text), "model": "model-1", "seed": 3 + position,
            "sampling": draft.sampling, "problems": [], "propensity": 1.0,
        }
        for position, draft in enumerate(drafts)
    ]  # fmt: skip
    json.dumps(payload)


def test_a_ranking_that_is_none_says_everything_that_is_wrong(library: Library, drafts: list[Draft]) -> None:
    a, batch_id = drafts[0].id, drafts[0].batch_id
    with pytest.raises(Invalid) as caught:
        feedback.rank(library, batch_id=batch_id, order=[[a], [a, "draft-9"], []], chips=["ugly"], seconds=-1)
    found = "; ".join(caught.value.problems)
    for words in ("draft-9 is not in batch-1", "draft-1 is placed 2 times", "a place is empty", "'ugly' is no chip", "negative"):
        assert words in found
    with pytest.raises(Invalid, match="no draft is placed"):
        feedback.rank(library, batch_id=batch_id, order=[])
    with pytest.raises(NotFound):
        feedback.rank(library, batch_id="batch-9", order=[[a]])
    assert library.events.all() == []


def test_best_only_says_nothing_about_the_others(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    event = feedback.rank(library, batch_id="batch-1", order=[[b]], best_only=True)
    assert (event.payload["order"], event.payload["best_only"]) == ([[b], [a, c]], True)
    for order, rejected in (([[a], [b]], []), ([[a, b]], []), ([[a]], [b])):
        with pytest.raises(Invalid, match="best only"):
            feedback.rank(library, batch_id="batch-1", order=order, rejected=rejected, best_only=True)


def test_ticks_for_aspects(library: Library, drafts: list[Draft]) -> None:
    a, b, _ = (draft.id for draft in drafts)
    event = feedback.rank(library, batch_id="batch-1", order=[[a], [b]], aspects={a: ["voice"], b: ["structure", "content"]})
    assert event.payload["aspects"] == {a: ["voice"], b: ["structure", "content"]}
    with pytest.raises(Invalid) as caught:
        feedback.rank(library, batch_id="batch-1", order=[[a]], aspects={a: ["looks"], "draft-9": ["voice"]})
    assert [problem.split(" ")[0] for problem in caught.value.problems] == ["draft-9", "'looks'"]


def test_decisions_and_comments(library: Library, drafts: list[Draft]) -> None:
    feedback.decide(library, draft_id=drafts[1].id, decision="reject", chips=["invented"])
    feedback.decide(library, draft_id=drafts[1].id, decision="reject_all")
    feedback.decide(library, batch_id=drafts[0].batch_id, decision="reject_all")
    feedback.comment(library, draft_id=drafts[0].id, text="Callouts for definitions, please.")
    feedback.comment(library, batch_id=drafts[0].batch_id, chips=["too short"])
    assert [(event.kind, event.subject) for event in library.events.all()] == [
        ("decision", "draft-2"), ("decision", "batch-1"), ("decision", "batch-1"), ("comment", "draft-1"), ("comment", "batch-1"),
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["ranking", "rejection", "rejection of all", "comment", "edit"])
def test_what_is_sent_again_after_a_lost_answer_counts_once(library: Library, drafts: list[Draft], what: str) -> None:
    first, second = drafts[0], drafts[1]

    def say(request: str = "") -> Event:
        if what == "ranking":
            return feedback.rank(library, batch_id=first.batch_id, order=[[second.id], [first.id]], seconds=4.25, request=request)
        if what == "comment":
            return feedback.comment(library, draft_id=first.id, text="Shorter.", chips=["too long"], request=request)
        if what == "edit":
            return feedback.record_edit(library, draft_id=first.id, final_text="Other words.", seconds=2.5, request=request)
        whole = what == "rejection of all"
        return feedback.decide(
            library,
            decision="reject_all" if whole else "reject",
            draft_id="" if whole else first.id,
            batch_id=first.batch_id,
            request=request,
        )

    said = say("one")
    other = feedback.comment(library, draft_id=second.id, text="Good.")
    assert say("one") == said  # also after something else, which does not count for earlier by it
    assert say().id > other.id  # the same on purpose
    assert say("two") != said
    before = library.events.all()
    with pytest.raises(Conflict, match="not recorded: another judgement was sent before"):
        feedback.comment(library, draft_id=second.id, text="Better.", request="one")
    assert library.events.all() == before


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (feedback.decide, {"draft_id": "draft-1", "decision": "maybe"}),
        (feedback.decide, {"decision": "accept"}),
        (feedback.decide, {"decision": "reject_all"}),
        (feedback.decide, {"decision": "reject_all", "draft_id": "draft-1", "batch_id": "batch-9"}),
        (feedback.comment, {"draft_id": "draft-1", "text": "  "}),
        (feedback.comment, {"text": "about nothing"}),
        (feedback.comment, {"draft_id": "draft-1", "batch_id": "batch-1", "text": "both"}),
        (feedback.record_edit, {"draft_id": "draft-1", "final_text": "x", "seconds": -1}),
    ],
)
def test_judgements_that_cannot_be_recorded(library: Library, drafts: list[Draft], verb, options) -> None:
    with pytest.raises(Invalid):
        verb(library, **options)
    assert library.events.all() == []


def test_an_edit_keeps_the_whole_text(library: Library, drafts: list[Draft]) -> None:
    event = feedback.record_edit(library, draft_id=drafts[0].id, final_text="## Mine\n", note_path=NOTE)
    assert (event.payload["final_text"], event.payload["note_path"]) == ("## Mine\n", NOTE)
    assert 0 < event.payload["distance"] <= 1
    assert feedback.record_edit(library, draft_id=drafts[0].id, final_text=drafts[0].text).payload["distance"] == 0


def test_accepting_changes_only_the_inserted_span(world: small_world.World, drafts: list[Draft]) -> None:
    path = world.vault / NOTE
    before = path.read_bytes()
    done = feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE, under="Troubles")
    after = path.read_bytes()
    assert drafts[0].text.strip().encode() in after
    assert done.note_path == NOTE
    assert (done.before_hash, done.after_hash) == (content_hash(before), content_hash(after))
    assert [event.kind for event in done.events] == ["decision", "insertion"]
    assert done.events[1].payload["with"] == [done.events[0].id]
    assert "+- The greedy words say b." in done.diff
    assert not [line for line in done.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert [file.read_bytes() for file in (world.library.home / "backups" / "notes").iterdir()] == [before]


def test_accepting_and_undoing_gives_the_bytes_back(world: small_world.World, drafts: list[Draft]) -> None:
    path = world.vault / NOTE
    path.write_bytes(b"\xef\xbb\xbf# Rivers\r\n\r\ntext  \r\n")
    before = path.read_bytes()
    done = feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    event = feedback.undo(world.library, settings=world.settings)
    assert path.read_bytes() == before
    assert event.payload["events"] == [item.id for item in done.events]
    assert (event.kind, event.payload["kind"], event.payload["how"]) == ("undo", "insertion", "restored")
    assert all(action.undone for action in feedback.history(world.library))
    assert feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE).after_hash == done.after_hash


def test_a_new_note_is_made_and_taken_back(world: small_world.World, drafts: list[Draft]) -> None:
    done = feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into="Notes/New")
    assert done.created
    assert done.diff.startswith("--- /dev/null")
    assert (world.vault / "Notes" / "New.md").read_text().startswith("## Note")
    feedback.undo(world.library, settings=world.settings)
    assert not (world.vault / "Notes" / "New.md").exists()


def test_the_persons_own_version_is_inserted_and_recorded(world: small_world.World, drafts: list[Draft]) -> None:
    done = feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE, final_text="## Mine\n- Better.\n")
    assert [event.kind for event in done.events] == ["edit", "decision", "insertion"]
    assert "- Better." in (world.vault / NOTE).read_text()
    assert drafts[0].text not in (world.vault / NOTE).read_text()
    feedback.undo(world.library, settings=world.settings)
    assert [action.undone for action in feedback.history(world.library)] == [True, True, True]


def test_what_is_refused_changes_nothing(world: small_world.World, drafts: list[Draft]) -> None:
    path = world.vault / NOTE
    before = path.read_bytes()
    bad = Draft("", "batch-1", drafts[0].source_id, "", "model-1", "x 1999", 9, 0, "2026", problems=("invented",))
    [flawed] = world.library.drafts.add([bad])

    def refused(error: type[Exception], draft_id: str = drafts[0].id, **options) -> None:
        with pytest.raises(error):
            feedback.accept(world.library, settings=world.settings, draft_id=draft_id, **{"into": NOTE, **options})
        assert path.read_bytes() == before
        assert world.library.events.all() == []

    refused(Invalid, flawed.id)
    refused(NotFound, "draft-99")
    refused(NotFound, under="Nowhere")
    refused(Invalid, into="../outside.md")
    refused(Invalid, into=".obsidian/app.md")
    refused(Conflict, expected_hash=content_hash("as it was"))
    feedback.accept(world.library, settings=world.settings, draft_id=flawed.id, into=NOTE, force=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize(("into", "under"), [(NOTE, None), (NOTE, "Troubles"), ("Notes/New", None)])
def test_a_preview_shows_exactly_what_accepting_does(world: small_world.World, drafts: list[Draft], into: str, under: str | None) -> None:
    asked = {"settings": world.settings, "draft_id": drafts[0].id, "into": into, "under": under}
    shown = feedback.preview(world.library, **asked)
    assert (world.library.events.all(), (world.vault / NOTE).read_bytes().find(b"greedy")) == ([], -1)
    done = feedback.accept(world.library, **asked, expected_hash=shown.before_hash)
    for name in ("note_path", "before_hash", "after_hash", "diff", "created"):
        assert getattr(shown, name) == getattr(done, name)
    assert content_hash((world.vault / done.note_path).read_bytes()) == shown.after_hash
    assert shown.inserted.strip() == drafts[0].text.strip()


def test_a_last_line_without_a_newline_reads_as_unchanged(world: small_world.World, drafts: list[Draft]) -> None:
    (world.vault / NOTE).write_text("# Rivers\n\nNo newline here.")
    options = {"settings": world.settings, "draft_id": drafts[0].id, "into": NOTE}
    shown = feedback.preview(world.library, **options).diff
    assert " No newline here.\n" in shown
    assert not [line for line in shown.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert feedback.accept(world.library, **options).diff == shown


def test_a_draft_goes_in_once(world: small_world.World, drafts: list[Draft]) -> None:
    options = {"settings": world.settings, "draft_id": drafts[0].id, "into": NOTE}
    feedback.accept(world.library, **options)
    with pytest.raises(Invalid, match="already in Notes/Rivers.md"):
        feedback.accept(world.library, **options)
    feedback.accept(world.library, **options, force=True)
    assert (world.vault / NOTE).read_text().count("The greedy words") == 2


def test_when_the_library_fails_the_note_is_as_before(
    world: small_world.World, drafts: list[Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (world.vault / NOTE).read_bytes()
    append = world.library.events.append

    def failing(kind: str, subject: str, payload, **options):
        if kind == "insertion":
            raise KeyboardInterrupt
        return append(kind, subject, payload, **options)

    monkeypatch.setattr(world.library.events, "append", failing)
    with pytest.raises(KeyboardInterrupt):
        feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    assert (world.vault / NOTE).read_bytes() == before
    assert world.library.events.all() == []


def test_undo_walks_back_one_action_at_a_time(world: small_world.World, drafts: list[Draft]) -> None:
    library = world.library
    feedback.rank(library, batch_id="batch-1", order=[[drafts[0].id], [drafts[1].id]])
    feedback.decide(library, draft_id=drafts[0].id, decision="accept")
    feedback.comment(library, draft_id=drafts[0].id, text="Good.")
    kinds = [feedback.undo(library, settings=world.settings).payload["kind"] for _ in range(3)]
    assert kinds == ["comment", "decision", "ranking"]
    with pytest.raises(NotFound, match="nothing to undo"):
        feedback.undo(library, settings=world.settings)
    assert len(library.events.all()) == 6


def test_undo_takes_back_what_was_decided_about_pairs(world: small_world.World) -> None:
    library = world.library
    before = library.pairs.all()
    first, second, *_ = before
    library.pairs.decide(first.id, "accepted")
    library.pairs.decide(first.id, "rejected")
    pairing.merge(library, first.id, second.id)
    assert feedback.undo(library, settings=world.settings).payload["kind"] == "pair"
    statuses = [(pair.status, len(pair.links)) for pair in library.pairs.all()[:2]]
    assert statuses == [("rejected", 2), ("proposed", 2)]  # the merge was one deed
    feedback.undo(library, settings=world.settings)
    assert library.pairs.get(first.id).status == "accepted"
    feedback.undo(library, settings=world.settings)
    assert library.pairs.all() == before
    with pytest.raises(NotFound, match="nothing to undo"):
        feedback.undo(library, settings=world.settings)


def test_what_would_be_taken_back_is_what_is_taken_back(world: small_world.World, drafts: list[Draft]) -> None:
    library = world.library
    first, second, *_ = library.pairs.all()
    feedback.rank(library, batch_id="batch-1", order=[[drafts[0].id], [drafts[1].id]])
    pairing.merge(library, first.id, second.id)
    text = "## Beginnings\n\n- Mine.\n"
    feedback.accept(library, settings=world.settings, draft_id=drafts[0].id, into=NOTE, final_text=text)
    feedback.log_edit(library, draft_id=drafts[0].id, before=text, after=text.replace("Mine", "Mine, later"), note_path=NOTE)
    listed = feedback.undoable(library, number=9)
    assert [(item.event.kind, item.note_path) for item in listed] == [("insertion", NOTE), ("pair", first.note_path), ("ranking", "")]
    assert feedback.undoable(library) == listed[:1]
    undone = list(feedback.undo_last(library, number=9, keep_note=True))
    assert [event.payload["events"] for event in undone] == [list(item.events) for item in listed]
    assert feedback.undoable(library, number=9) == []


def test_what_is_done_after_the_look_is_not_taken_back_in_place_of_what_was_listed(world: small_world.World, drafts: list[Draft]) -> None:
    library = world.library
    for text in ("One.", "Two."):
        feedback.comment(library, draft_id=drafts[0].id, text=text)
    listed = feedback.undoable(library, number=2)
    since = feedback.comment(library, draft_id=drafts[0].id, text="Three.")
    with pytest.raises(Conflict, match="Something else was done meanwhile"):
        list(feedback.undo_last(library, listed=listed))
    assert not library.events.undone()
    assert feedback.undo(library).subject == str(since.id)
    assert [event.subject for event in feedback.undo_last(library, listed=listed)] == [str(item.event.id) for item in listed]


def test_an_undo_that_the_vault_refuses_is_no_undo(world: small_world.World, drafts: list[Draft]) -> None:
    feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    path = world.vault / NOTE
    path.write_text(path.read_text().replace("greedy words", "words of mine"))
    mine = path.read_bytes()
    with pytest.raises(Conflict):
        feedback.undo(world.library, settings=world.settings)
    assert path.read_bytes() == mine
    assert not feedback.history(world.library)[0].undone


def test_a_vault_that_is_away_is_no_note_that_is_gone(world: small_world.World, drafts: list[Draft], tmp_path: Path) -> None:
    before = (world.vault / NOTE).read_bytes()
    feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    world.vault.rename(tmp_path / "away")
    with pytest.raises(NotFound, match="The vault .* does not exist"):
        feedback.undo(world.library, settings=world.settings)
    (tmp_path / "away").rename(world.vault)
    feedback.undo(world.library, settings=world.settings)
    assert (world.vault / NOTE).read_bytes() == before


def test_a_moved_vault_can_still_be_undone(world: small_world.World, drafts: list[Draft], tmp_path: Path) -> None:
    before = (world.vault / NOTE).read_bytes()
    feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    world.vault.rename(tmp_path / "moved")
    feedback.undo(world.library, settings=replace(world.settings, vault=tmp_path / "moved"))
    assert (tmp_path / "moved" / NOTE).read_bytes() == before


def test_a_moved_library_keeps_its_copies_in_its_own_folder(world: small_world.World, drafts: list[Draft], tmp_path: Path) -> None:
    path, old = world.vault / NOTE, world.library.home
    before = path.read_bytes()
    feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    path.write_bytes(b"Mine.\n\n" + path.read_bytes())
    edited = path.read_bytes()
    world.library.close()
    old.rename(tmp_path / "moved")
    old.write_text("a file now")
    with Library.open(tmp_path / "moved") as library:
        [follow] = start_following(library)
        assert follow.note.startswith(before[:20])  # made from the copy, and not the draft's words alone
        undone = feedback.undo(library, settings=replace(world.settings, home=tmp_path / "moved"))
    assert path.read_bytes() == b"Mine.\n\n" + before
    copy = Path(str(undone.payload["backup"]))
    assert copy.parent == tmp_path / "moved" / "backups" / "notes"
    assert copy.read_bytes() == edited


def test_history_is_newest_first(library: Library, drafts: list[Draft]) -> None:
    for text in ("one", "two", "three"):
        feedback.comment(library, draft_id=drafts[0].id, text=text)
    assert [action.event.payload["comment"] for action in feedback.history(library, limit=2)] == ["three", "two"]


def test_whether_a_draft_is_in_a_note_is_looked_at_under_the_lock(
    world: small_world.World, drafts: list[Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []
    module = importlib.import_module("notewright.feedback.accept")  # the package's `accept` is the verb
    monkeypatch.setattr(module, "_refuse", lambda library, *_, **__: locked.append(library.db.connection.in_transaction))
    feedback.accept(world.library, settings=world.settings, draft_id=drafts[0].id, into=NOTE)
    assert locked == [True]


@pytest.fixture
def stray(world: small_world.World) -> Draft:
    """A draft that shows a picture and names an address which are nowhere, by a person who brings in such things in every note."""
    text = "- The river rises.\n\n![[invented.png|center|600]]\n\nLook at https://nowhere.example.org/x now."
    return drafting.draft(
        world.library, settings=world.settings, source="rivers", chapter="Beginnings", n=1, written=1, examples=0,
        engine=ScriptedEngine(lambda messages, number: text),
    )[0]  # fmt: skip


def test_what_leads_nowhere_goes_into_no_note_unnamed(library: Library, world: small_world.World, stray: Draft) -> None:
    before = (world.vault / NOTE).read_bytes()
    shown = feedback.preview(library, settings=world.settings, draft_id=stray.id, into=NOTE)
    assert shown.broken == (
        "the embedded file invented.png is neither in the highlights nor in the vault",
        "the address https://nowhere.example.org/x is in no highlight",
    )
    for options in ({}, {"force": True}, {"force": True, "broken": ["invented.png"]}, {"final_text": stray.text + "\n\nMine."}):
        with pytest.raises(Invalid) as error:
            feedback.accept(library, settings=world.settings, draft_id=stray.id, into=NOTE, **options)
        assert "https://nowhere.example.org/x" in error.value.message
        assert "--broken https://nowhere.example.org/x" in error.value.hint
    assert (world.vault / NOTE).read_bytes() == before
    named = ["invented.png", shown.broken[1]]
    done = feedback.accept(library, settings=world.settings, draft_id=stray.id, into=NOTE, broken=named)
    assert next(event for event in done.events if event.kind == "insertion").payload["broken"] == list(shown.broken)


def test_what_the_person_puts_in_is_theirs_and_what_they_took_out_is_gone(library: Library, world: small_world.World, stray: Draft) -> None:
    final = "- The river rises.\n\n![[my own photo of tomorrow.png]] https://mine.example.org"
    feedback.accept(library, settings=world.settings, draft_id=stray.id, into=NOTE, final_text=final)
    assert "my own photo" in (world.vault / NOTE).read_text("utf-8")


def test_a_picture_that_is_gone_since_the_draft_is_seen(library: Library, world: small_world.World) -> None:
    picture = world.vault / "weir.png"
    picture.write_bytes(b"x")
    draft = drafting.draft(
        library, settings=world.settings, source="rivers", chapter="Beginnings", n=1, written=1, examples=0,
        engine=ScriptedEngine(lambda messages, number: "- The river rises.\n\n![[weir.png]]"),
    )[0]  # fmt: skip
    assert not any("weir.png" in problem for problem in draft.problems)
    picture.unlink()
    with pytest.raises(Invalid, match="weir.png"):
        feedback.accept(library, settings=world.settings, draft_id=draft.id, into=NOTE, force=True)
