"""What feedback from elsewhere may not be like, although its names prove it whole: anyone can work out a digest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.cli import main
from notewright.errors import Invalid
from notewright.feedback import export_feedback, import_feedback
from notewright.feedback.exchange import _DRAFT_FIELDS, _digest
from notewright.library import Library
from small_world import ScriptedEngine, numbered

Line = dict[str, Any]
AT = "2026-01-02T00:00:00+00:00"
DRAFT = {
    "source_id": "s", "chapter": "", "model_id": "m", "text": "Words", "position": 0, "seed": 1, "created_at": "2026-01-01T00:00:00+00:00"
}  # fmt: skip
INSERTION = {
    "vault": "/v",
    "note_path": "Notes/A.md",
    "start": 0,
    "inserted": "Words\n",
    "before_hash": "",
    "after_hash": "",
    "backup": "b",
}
EDIT = {"final_text": "W", "final_hash": "", "before_hash": "", "note_path": "", "distance": 0.5}


def drafted(**changes: object) -> Line:
    content = {name: value for name, value in sorted({**DRAFT, **changes}.items()) if name in _DRAFT_FIELDS}
    name = _digest(content)
    return {"draft": f"draft:{name}", "batch": f"batch:{name}", **content}


DRAFTED = drafted()


def happened(kind: str, payload: Line, subject: str = DRAFTED["draft"]) -> Line:
    whole = {"kind": kind, "at": AT, "subject": subject, "payload": payload}
    return {"event": "event:" + _digest(whole), **whole}


def into(**changes: object) -> Line:
    return happened("insertion", {"insertion": {**INSERTION, **changes}, "under": "", "with": []})


def lines(*given: Line) -> list[str]:
    return [json.dumps(line) for line in (DRAFTED, *given)]


def test_what_is_in_form_is_taken(library: Library) -> None:
    ranking = happened("ranking", {"order": [[DRAFTED["draft"]]], "rejected": []}, DRAFTED["batch"])
    later = happened("of a later version", {"deep": [{"er": 1}]})
    told = lines(into(), into(folders=["New"], created=True), happened("edit", EDIT), ranking, later)
    assert import_feedback(library, told).events == 5


def test_what_may_be_absent_is_told_without_it(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    bare = happened("insertion", {"insertion": INSERTION, "with": []})
    import_feedback(library, lines(bare, happened("belief", {"prefer": "more"}, "words"), happened("comment", {})))
    assert main(["feedback", "list"]) == 0
    assert "into Notes/A.md" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path",
    [
        "../outside.md",
        "Notes/../../outside.md",
        "/etc/passwd",
        "C:/Users/x.md",
        ".obsidian/plugins/x/main.md",
        "Notes/.git/x.md",
        "",
        "a\0.md",
    ],
)
def test_no_insertion_leads_out_of_the_vault(path: str, library: Library) -> None:
    for line in (into(note_path=path), into(folders=[path])):
        with pytest.raises(Invalid, match="no note of a vault"):
            import_feedback(library, lines(line))
    assert not library.events.all()
    assert not library.drafts.all()


@pytest.mark.parametrize(
    "line",
    [
        into(start="0"),
        into(more=1),
        into(inserted=None),
        happened("insertion", {}),
        happened("insertion", {"insertion": 3, "under": "", "with": []}),
        happened("edit", {**EDIT, "final_text": 5}),
        happened("edit", {**EDIT, "hunks": 3}),
        happened("edit", {**EDIT, "hunks": [{"kind": "style"}]}),
        happened("edit", {"final_text": "W"}),
        happened("ranking", {"order": 5, "rejected": []}),
        happened("ranking", {"order": [DRAFTED["draft"]], "rejected": []}),
        happened("ranking", {}),
        happened("ranking", {"order": [], "rejected": [], "shown": [{"model": "m"}]}),
        happened("ranking", {"order": [], "rejected": [], "shown": [{"draft": "d"}]}),
        happened("ranking", {"order": [], "rejected": [], "aspects": {"d": 3}}),
        happened("decision", {}),
        happened("comment", {"chips": [1]}),
        happened("undo", {"events": "all", "kind": "edit"}),
        happened("undo", {"events": [{}], "kind": "edit"}),
        happened("rule", {"effect": {}}),
        happened("rule", {"action": "add", "text": "no tables", "effect": {"select": [["favorite"]]}}),
        happened("belief", {"value": 1.0}),
        happened("pair", {"passage_id": "p"}, "pair:s|p"),
        happened("pair", {"status": "accepted", "links_before": [["h"]]}, "pair:s|p"),
        happened("pair", {"status": "accepted", "links_before": [["h", {}, "quote"]]}, "pair:s|p"),
        drafted(text=5),
        drafted(position="0"),
        drafted(source_id=None),
        drafted(messages=5),
        drafted(messages=[{"role": "user"}]),
        drafted(highlight_ids="abc"),
        drafted(findings=[{"a": 1}]),
        drafted(sampling=[]),
    ],
)
def test_what_would_make_later_commands_fail_is_refused_with_its_line(line: Line, library: Library) -> None:
    with pytest.raises(Invalid, match="line 2 .*no known form|line 2 has an insertion") as caught:
        import_feedback(library, lines(line))
    assert caught.value.hint
    assert not library.events.all()
    assert not library.drafts.all()


def test_json_of_any_depth_is_read_or_refused(library: Library) -> None:
    with pytest.raises(Invalid, match="line 1 is not JSON"):
        import_feedback(library, ["[" * 200_000])


def test_of_another_file_not_every_line_is_named(library: Library) -> None:
    with pytest.raises(Invalid, match="line 1 is not JSON") as told:
        import_feedback(library, ["Highlight,Book Title"] * 5_000)
    assert [told.value.problems[0], *told.value.problems[20:]] == ["line 1 is not JSON", "and 4,980 more lines"]


def test_all_that_the_person_can_do_is_in_form(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path, things=("rivers",))
    small_world.base_model(library)
    drafts = drafting.draft(
        library, settings=world.settings, source="rivers", chapter=small_world.CHAPTERS[0], seed=3, n=3, engine=ScriptedEngine(numbered)
    )
    feedback.rank(library, batch_id=drafts[0].batch_id, order=[[drafts[0].id]], best_only=True, seconds=2)
    feedback.decide(library, batch_id=drafts[0].batch_id, decision="reject_all")
    feedback.comment(library, draft_id=drafts[1].id, chips=["too long"])
    feedback.accept(library, settings=world.settings, draft_id=drafts[0].id, into="New/Folder/Rivers.md", final_text="Mine.")
    reward.add_rule(library, "Always use callouts.")
    reward.correct(library, feature="words", prefer="about", value=40)
    reward.correct(library, feature="words", prefer="less")
    library.pairs.decide(library.pairs.all()[0].id, "accepted")
    feedback.undo(library, settings=world.settings)
    with Library.create(tmp_path / "other") as other:
        assert import_feedback(other, export_feedback(library)).events == len(library.events.all())
