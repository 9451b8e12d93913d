"""Span writes: only our bytes change, undo gives the note back, and nothing forbidden is ever written."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notewright.errors import Conflict, Invalid, NotFound, Unavailable
from notewright.settings import Settings
from notewright.text import content_hash
from notewright.vault import atomic, look, write
from notewright.vault.rules import check_note
from notewright.vault.write import Insertion, insert, plan, undo

NOTE = "# Book\n\n## One\n- first\n\n## Two\ntext of two\n\n### Inner\ninner\n\n## Three\n"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    folder.mkdir()
    return folder


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def put(vault: Path, text: str | bytes, name: str = "Note.md") -> Path:
    path = vault / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("before", "under", "text", "after"),
    [
        ("", None, "hello", "hello\n"),
        ("\ufeff", None, "hello", "\ufeffhello\n"),
        ("a\n", None, "hello", "a\n\nhello\n"),
        ("a", None, "hello", "a\n\nhello"),
        ("a\n\n\n", None, "hello", "a\n\nhello\n\n"),
        ("a  \n", None, "hello", "a  \n\nhello\n"),
        ("a\r\nb\r\n", None, "x\ny", "a\r\nb\r\n\r\nx\r\ny\r\n"),
        ("---\na: 1\n---\n", None, "hello", "---\na: 1\n---\n\nhello\n"),
        ("## A\nx\n\n## B\ny\n", "A", "hello", "## A\nx\n\nhello\n\n## B\ny\n"),
        ("## A\nx\n## B\ny\n", "A", "hello", "## A\nx\n\nhello\n\n## B\ny\n"),
        ("## A\nx\n### C\nz\n\n## B\n", "A", "hello", "## A\nx\n### C\nz\n\nhello\n\n## B\n"),
        ("## A\n\n## B\ny\n", "A", "hello", "## A\nhello\n\n## B\ny\n"),
        ("## A\n\n## B\n\ny\n", "A", "hello", "## A\n\nhello\n\n## B\n\ny\n"),
        ("# T\n\n## A\n\n## B\n\ny\n", None, "## A\nhello", "# T\n\n## A\n\nhello\n\n## B\n\ny\n"),
        ("# T\n\n## A\nfull\n", None, "## A\nhello", "# T\n\n## A\nfull\n\n## A\nhello\n"),
        ("# T\n## A\n## A\n", None, "## A\nhello", "# T\n## A\n## A\n\n## A\nhello\n"),
        ("## A\nfull\n", "A", "## A\nhello", "## A\nfull\n\nhello\n"),
        ("A\n===\nbody\n\nB\n===\n", "A", "hello", "A\n===\nbody\n\nhello\n\nB\n===\n"),
        ("## A\n```\n## B\n```\n", "A", "hello", "## A\n```\n## B\n```\n\nhello\n"),
    ],
)
def test_text_lands_where_it_belongs(vault: Path, backups: Path, before: str, under: str | None, text: str, after: str) -> None:
    path = put(vault, before)
    done = insert(vault, "Note.md", text, under=under, backups=backups)
    assert path.read_bytes().decode() == after
    assert done.after_hash == content_hash(after)
    assert Path(done.backup).read_bytes().decode() == before
    assert undo(done).how == "restored"
    assert path.read_bytes().decode() == before


def test_an_unknown_heading_lists_those_there_are(vault: Path, backups: Path) -> None:
    put(vault, NOTE)
    with pytest.raises(NotFound) as caught:
        insert(vault, "Note", "x", under="Four", backups=backups)
    assert "One; Two; Inner; Three" in caught.value.hint


def test_a_doubled_heading_needs_its_parent(vault: Path, backups: Path) -> None:
    path = put(vault, "# A\n## Notes\na\n# B\n## Notes\nb\n")
    with pytest.raises(NotFound, match="lines 2, 5"):
        insert(vault, "Note", "x", under="Notes", backups=backups)
    insert(vault, "Note", "x", under="B#Notes", backups=backups)
    assert path.read_text() == "# A\n## Notes\na\n# B\n## Notes\nb\n\nx\n"


def test_a_new_note_is_created_and_undone(vault: Path, backups: Path) -> None:
    done = insert(Settings(home=backups, vault=vault), "Sub/New note", "## Hi\ntext", backups=backups)
    assert done.created
    assert done.note_path == "Sub/New note.md"
    assert (vault / "Sub/New note.md").read_text() == "## Hi\ntext\n"
    assert undo(done).how == "deleted"
    assert not (vault / "Sub/New note.md").exists()


def test_an_insertion_survives_json(vault: Path, backups: Path) -> None:
    import dataclasses
    import json

    path = put(vault, NOTE)
    done = insert(vault, "Note", "x", backups=backups)
    undo(Insertion(**json.loads(json.dumps(dataclasses.asdict(done)))))
    assert path.read_text() == NOTE


def test_a_note_changed_since_it_was_read_is_refused(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    with pytest.raises(Conflict):
        insert(vault, "Note", "x", expected_hash=content_hash("something else"), backups=backups)
    assert path.read_text() == NOTE
    insert(vault, "Note", "x", expected_hash=content_hash(NOTE), backups=backups)
    for under in (None, "Ideas"):
        with pytest.raises(Conflict, match="gone since it was read"):
            insert(vault, "Gone", "x", under=under, expected_hash=content_hash(NOTE), backups=backups)


def test_a_note_that_appeared_since_it_was_found_missing_is_refused(vault: Path, backups: Path) -> None:
    missing = content_hash(b"")
    assert insert(vault, "Fresh", "x", expected_hash=missing, backups=backups).created
    with pytest.raises(Conflict, match="changed since it was read"):
        insert(vault, "Fresh", "y", expected_hash=missing, backups=backups)


def test_a_plan_says_what_an_insertion_then_does(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    for name in ("New", "Note"):
        planned = plan(vault, name, "x\n\ny")
        assert path.read_text() == NOTE
        done = insert(vault, name, "x\n\ny", expected_hash=content_hash(planned.before or b""), backups=backups)
        assert (vault / planned.note_path).read_bytes() == planned.after
        assert (done.note_path, done.start, done.created) == (planned.note_path, planned.start, planned.before is None)


def test_a_change_during_the_write_is_refused(vault: Path, backups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(vault, NOTE)
    real = atomic._part

    def part_and_edit(target: Path, data: bytes, **options) -> Path:
        if target == path:
            path.write_text(NOTE + "typed meanwhile\n")
        return real(target, data, **options)

    monkeypatch.setattr(atomic, "_part", part_and_edit)
    with pytest.raises(Conflict):
        insert(vault, "Note", "x", backups=backups)
    assert path.read_text() == NOTE + "typed meanwhile\n"
    assert [item.name for item in vault.iterdir()] == ["Note.md"]


def test_undo_keeps_later_edits_elsewhere(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    done = insert(vault, "Note", "- a drafted bullet", under="One", backups=backups)
    path.write_text("intro\n\n" + path.read_text())
    assert undo(done).how == "removed"
    assert path.read_text() == "intro\n\n" + NOTE


@pytest.mark.parametrize(
    ("before", "under", "change", "left"),
    [
        ("# N\n\nMine.\n", None, lambda now: now + "A remark.\n", "# N\n\nMine.\n\nA remark.\n"),
        ("# N\n\nMine.", None, lambda now: now + "\nA remark.", "# N\n\nMine.\n\nA remark."),
        ("# N\r\n\r\nMine.\r\n", None, lambda now: now + "A remark.\r\n", "# N\r\n\r\nMine.\r\n\r\nA remark.\r\n"),
        ("# N\n\nMine.\n", None, lambda now: now + "---\n", "# N\n\nMine.\n\n---\n"),
        ("# N\n\nMine.\n", None, lambda now: now + "\nA remark.\n", "# N\n\nMine.\n\nA remark.\n"),
        ("# N\n\nMine.\n", None, lambda now: "One.\n\n" + now, "One.\n\n# N\n\nMine.\n"),
        ("## A\nx\n## B\ny\n", "A", lambda now: now + "A remark.\n", "## A\nx\n## B\ny\nA remark.\n"),
        ("## A\nx\n\n## B\ny\n", "A", lambda now: now.replace("bullet\n", "bullet\nA remark.\n"), "## A\nx\n\nA remark.\n\n## B\ny\n"),
        ("## A\nx\n\n## B\n", "B", lambda now: now + "A remark.\n", "## A\nx\n\n## B\nA remark.\n"),
    ],
)
def test_undo_glues_nothing_to_the_text_above(vault: Path, backups: Path, before: str, under: str | None, change, left: str) -> None:
    path = put(vault, before)
    done = insert(vault, "Note", "- a drafted bullet", under=under, backups=backups)
    path.write_bytes(change(path.read_bytes().decode()).encode())
    assert undo(done).how == "removed"
    assert path.read_bytes().decode() == left


def test_undo_finds_its_text_after_newlines_were_changed(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE.replace("\n", "\r\n"))
    done = insert(vault, "Note", "- a drafted bullet\n- and another", under="One", backups=backups)
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    assert undo(done).how == "removed"
    assert path.read_text() == NOTE


def test_undo_refuses_when_our_text_was_edited(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    done = insert(vault, "Note", "- a drafted bullet", backups=backups)
    changed = path.read_text().replace("drafted", "rewritten")
    path.write_text(changed)
    with pytest.raises(Conflict) as caught:
        undo(done)
    assert str(path) in caught.value.message
    assert done.backup in caught.value.hint
    assert path.read_text() == changed


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../out", "a/../../out", ".obsidian/app", "a/.trash/b", "C:/x", "a\\..\\..\\b", "what?", "end. ", "a\x00b"]
)
def test_forbidden_places_are_refused(vault: Path, backups: Path, name: str) -> None:
    with pytest.raises(Invalid):
        insert(vault, name, "x", backups=backups)
    assert not list(vault.parent.rglob("*.md"))


def test_symbolic_links_are_not_written_through(vault: Path, backups: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.md").write_text("theirs")
    (vault / "linked").symlink_to(outside)
    (vault / "x.md").symlink_to(outside / "x.md")
    for name in ("linked/x.md", "linked/new.md", "x.md"):
        with pytest.raises(Invalid, match="symbolic link"):
            insert(vault, name, "mine", backups=backups)
    assert (outside / "x.md").read_text() == "theirs"
    assert len(list(outside.iterdir())) == 1


def test_a_vault_behind_a_link_is_fine(vault: Path, backups: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(vault)
    insert(tmp_path / "alias", "New", "x", backups=backups)
    assert (vault / "New.md").read_text() == "x\n"


@pytest.mark.parametrize("bad", [b"\xff\xfe# A", b"caf\xe9\n"])
def test_text_that_is_not_utf8_is_left_alone(vault: Path, backups: Path, bad: bytes) -> None:
    path = put(vault, bad)
    with pytest.raises(Invalid, match="UTF-8"):
        insert(vault, "Note", "x", backups=backups)
    assert path.read_bytes() == bad


@pytest.mark.parametrize(("note", "text"), [("```\ncode\n", "x"), ("a\n", "```\nopen"), ("a\n", " \n\n"), ("a\n", "\ud800")])
def test_text_that_would_vanish_or_swallow_is_refused(vault: Path, backups: Path, note: str, text: str) -> None:
    path = put(vault, note)
    with pytest.raises(Invalid):
        insert(vault, "Note", text, backups=backups)
    assert path.read_text() == note


def test_mode_is_kept_and_read_only_notes_are_refused(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    path.chmod(0o640)
    insert(vault, "Note", "x", backups=backups)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o440)
    with pytest.raises(Unavailable, match="read-only"):
        insert(vault, "Note", "y", backups=backups)


def test_a_name_that_differs_only_in_case_is_refused(vault: Path, backups: Path) -> None:
    put(vault, NOTE)
    if (vault / "note.md").exists():
        pytest.skip("this file system folds case")
    with pytest.raises(Conflict):
        insert(vault, "note", "x", backups=backups)


def test_accents_are_found_however_the_disk_spells_them(vault: Path, backups: Path) -> None:
    path = put(vault, "a\n", "Cafe\u0301.md")
    insert(vault, "Caf\u00e9", "x", backups=backups)
    assert path.read_text() == "a\n\nx\n"
    assert len(list(vault.iterdir())) == 1
    assert look(Settings(home=backups, vault=vault), "Café.md").path == plan(vault, "Café.md", "x").note_path == "Café.md"


@pytest.mark.parametrize("moment", ["replace", "fsync", "chmod"])
def test_a_writer_that_dies_leaves_the_old_note(vault: Path, backups: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    path = put(vault, NOTE)
    insert(vault, "Other", "first", backups=backups)
    atomic.keep(backups, NOTE.encode())

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, moment, die)
    with pytest.raises(KeyboardInterrupt):
        insert(vault, "Note", "x", backups=backups)
    assert path.read_text() == NOTE
    assert sorted(item.name for item in vault.iterdir()) == ["Note.md", "Other.md"]


def test_a_full_disk_is_told_and_changes_nothing(vault: Path, backups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(vault, NOTE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        insert(vault, "Note", "x", backups=backups)
    assert path.read_text() == NOTE


def test_a_killed_writers_file_never_becomes_the_note_and_is_cleared_later(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    left = vault / f".{'0' * 12}{atomic.TEMPORARY}"
    left.write_text("half a no")
    insert(vault, "Note", "x", backups=backups)
    assert left.exists()
    os.utime(left, (0, 0))
    insert(vault, "Note", "y", backups=backups)
    assert not left.exists()
    assert path.read_text() == NOTE + "\nx\n\ny\n"


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        ("<!-- todo: finish", "the comment opened by <!-- on line 3"),
        ("text <!-- todo", "the comment opened by <!-- on line 3"),
        ("%% todo", "the comment opened by %% on line 3"),
        ("%%\ntodo", "the comment opened by %% on line 3"),
        ("$$\nx = 1", "the math block opened by $$ on line 3"),
        ("```\nx = 1", "the code fence opened on line 3"),
        ("<pre>\nx = 1", "the HTML opened by <pre> on line 3"),
        ("<style\nmedia=all>", "the HTML opened by <style on line 3"),
    ],
)
def test_nothing_is_put_after_what_is_never_closed(vault: Path, backups: Path, opening: str, said: str) -> None:
    path = put(vault, f"# One\n\n{opening}\n")
    with pytest.raises(Invalid, match=re.escape(f"Note: {said} is never closed, so text put after it would vanish in it.")):
        insert(vault, "Note", "hello", backups=backups)
    assert path.read_text() == f"# One\n\n{opening}\n"
    assert {item.rule for item in check_note("Note.md", path.read_bytes())} & {
        "unclosed-comment",
        "unclosed-math",
        "unclosed-fence",
        "unclosed-html",
    }
    put(vault, f"# One\n\n# Two\n\n{opening}\n")
    insert(vault, "Note", "hello", under="One", backups=backups)  # above it nothing vanishes
    assert path.read_text() == f"# One\n\nhello\n\n# Two\n\n{opening}\n"
    put(vault, "# One\n")
    with pytest.raises(Invalid, match="never closed; it would swallow"):
        insert(vault, "Note", f"hello\n\n{opening}", backups=backups)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a -->",
        "%% a %%",
        "$$\nx\n$$",
        "`<!--` and `%%`",
        "a %%b",
        "a $ 5",
        "> ```\n> x\n\ny",
        "> <pre>\n\ny",
        "<pre>x</pre>",
        "- <pre>\n\ny",
    ],
)
def test_what_is_closed_or_opens_nothing_is_no_hindrance(vault: Path, backups: Path, text: str) -> None:
    put(vault, f"# One\n\n{text}\n")
    insert(vault, "Note", "hello", backups=backups)


@pytest.mark.parametrize("text", ["hello\n\n---\n\nmore", "Title\n---"])
def test_no_rule_of_a_draft_makes_properties_of_what_stands_above_it(vault: Path, backups: Path, text: str) -> None:
    path = put(vault, "---\n\n# One\n\nwords\n")
    with pytest.raises(Invalid, match="would become the note's properties"):
        insert(vault, "Note", text, backups=backups)
    assert path.read_text() == "---\n\n# One\n\nwords\n"
    insert(vault, "Note", "***", backups=backups)
    put(vault, "---\na: b\n---\n\n# One\n")
    insert(vault, "Note", text, backups=backups)
    put(vault, "\n")
    insert(vault, "Note", f"---\na: b\n---\n{text}", backups=backups)  # an empty note may get its properties


LINES = st.sampled_from(["", "a", "## A", "# B", "- x", "> q", "```", "$$", "%%", "---", "===", "a: b", "| a |", "    code", "é 😀", "a  "])
NEWLINE = st.sampled_from(["\n", "\r\n", "\n", "\r"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(LINES, NEWLINE), max_size=14), bom=st.booleans(), cut=st.booleans(), under=st.sampled_from([None, "A", "B"]),
    text=st.sampled_from(["hello", "## A\nbody", "- x\n- y", "a\n\nb\n"]),
)  # fmt: skip
def test_everything_outside_the_span_stays_and_undo_restores(
    vault: Path, backups: Path, parts: list[tuple[str, str]], bom: bool, cut: bool, under: str | None, text: str
) -> None:
    whole = ("\ufeff" if bom else "") + "".join(line + newline for line, newline in parts)
    before = (whole.rstrip("\r\n") if cut else whole).encode()
    path = put(vault, before)
    try:
        done = insert(vault, "Note", text, under=under, backups=backups)
    except (NotFound, Invalid):
        assert path.read_bytes() == before
        return
    after, span = path.read_bytes(), done.inserted.encode()
    assert after[: done.start] == before[: done.start]
    assert after[done.start + len(span) :] == before[done.start :]
    assert after[done.start : done.start + len(span)] == span
    assert undo(done).how == "restored"
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["Home/", "Home\\", "./Home/", "Later/"])
def test_a_folder_is_no_note(vault: Path, backups: Path, name: str) -> None:
    (vault / "Home").mkdir()
    with pytest.raises(Invalid, match="is a folder"):
        insert(vault, name, "hello", backups=backups)
    assert [item.name for item in vault.iterdir()] == ["Home"]
    with pytest.raises(Invalid, match="is a folder"):
        insert(vault, "Home", "hello", backups=backups)
    insert(vault, "Home.md", "hello", backups=backups)  # a note beside its folder, as many keep one
    insert(vault, "Home", "again", backups=backups)
    assert (vault / "Home.md").read_text() == "hello\n\nagain\n"


def test_a_file_that_is_no_note_is_not_taken_for_one(vault: Path, backups: Path) -> None:
    (vault / "x.txt").write_text("mine")
    with pytest.raises(Invalid, match="is a file that is no note"):
        insert(vault, "x.txt", "hello", backups=backups)
    insert(vault, "y.txt", "hello", backups=backups)
    assert sorted(item.name for item in vault.iterdir() if item.is_file()) == ["x.txt", "y.txt.md"]


@pytest.mark.parametrize("name", ["Note#Heading", "[[Note]]", "a^b", "con", "x" * 300, "y" * 250])
def test_names_that_links_or_systems_refuse(vault: Path, backups: Path, name: str) -> None:
    with pytest.raises(Invalid):
        insert(vault, name, "hello", backups=backups)
    assert list(vault.iterdir()) == []


def test_headings_that_nothing_tells_apart(vault: Path, backups: Path) -> None:
    put(vault, "# A\n## S\nx\n## S\ny\n# B\n## S\nz\n")
    with pytest.raises(NotFound) as caught:
        insert(vault, "Note.md", "hello", under="S", backups=backups)
    assert "Parent#Heading" not in caught.value.hint
    assert insert(vault, "Note.md", "hello", under="B#S", backups=backups).note_path == "Note.md"


def test_links_inside_the_vault_lead_to_the_real_note(vault: Path, backups: Path) -> None:
    (vault / "Real").mkdir()
    path = put(vault, NOTE, "Real/Note.md")
    (vault / "Alias.md").symlink_to(path)
    (vault / "Folder").symlink_to(vault / "Real")
    for name in ("Alias", "Folder/Note"):
        done = insert(vault, name, "hello", backups=backups)
        assert done.note_path == "Real/Note.md"
        assert (vault / "Alias.md").is_symlink()
        assert undo(done).how == "restored"
    assert path.read_text() == NOTE
    assert insert(vault, "Folder/New", "hello", backups=backups).note_path == "Real/New.md"


def test_links_that_break_loop_or_lead_into_dot_folders_are_refused(vault: Path, backups: Path) -> None:
    (vault / ".obsidian").mkdir()
    (vault / ".obsidian" / "x.md").write_text("theirs")
    (vault / "broken.md").symlink_to(vault / "nowhere.md")
    (vault / "loop.md").symlink_to(vault / "loop.md")
    (vault / "dot.md").symlink_to(vault / ".obsidian" / "x.md")
    for name in ("broken", "loop", "dot"):
        with pytest.raises(Invalid, match="symbolic link"):
            insert(vault, name, "mine", backups=backups)
    assert (vault / ".obsidian" / "x.md").read_text() == "theirs"
    assert not (vault / "nowhere.md").exists()


def test_undo_removes_the_folders_it_made_if_they_are_empty(vault: Path, backups: Path) -> None:
    (vault / "Kept").mkdir()
    done = insert(vault, "Kept/A/B/New", "x", backups=backups)
    assert list(done.folders) == ["Kept/A", "Kept/A/B"]
    undo(done)
    assert [item.name for item in vault.rglob("*")] == ["Kept"]
    done = insert(vault, "Kept/A/B/New", "x", backups=backups)
    put(vault, "mine", "Kept/A/Mine.md")
    undo(done)
    assert sorted(item.name for item in vault.rglob("*")) == ["A", "Kept", "Mine.md"]


@pytest.mark.parametrize(("there", "wanted"), [("Books/A.md", "books/B"), ("Books/A.md", "BOOKS/Sub/B"), ("Straße.md", "STRASSE")])
def test_folders_and_names_that_other_systems_take_for_the_same(vault: Path, backups: Path, there: str, wanted: str) -> None:
    (vault / there).parent.mkdir(exist_ok=True)
    put(vault, "a", there)
    with pytest.raises(Conflict, match="many systems"):
        insert(vault, wanted, "x", backups=backups)
    assert len(list(vault.rglob("*.md"))) == 1


def test_a_note_that_lies_in_the_cloud_is_refused(vault: Path, backups: Path) -> None:
    put(vault, b"bplist00", ".Note.md.icloud")
    with pytest.raises(Unavailable, match="iCloud"):
        insert(vault, "Note", "x", backups=backups)
    assert [item.name for item in vault.iterdir()] == [".Note.md.icloud"]


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="this system has no extended attributes")
def test_extended_attributes_are_kept(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    try:
        os.setxattr(path, "user.tag", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    insert(vault, "Note", "x", backups=backups)
    assert os.getxattr(path, "user.tag") == b"mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_kept(vault: Path, backups: Path) -> None:
    path = put(vault, NOTE)
    os.chown(path, 12345, 54321)
    insert(vault, "Note", "x", backups=backups)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


CHILD = """
import os, resource, signal, sys
from pathlib import Path
from notewright.errors import Unavailable
from notewright.vault import insert
vault, backups, name, trouble = sys.argv[1:]
if trouble == "full disk":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
elif os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    insert(Path(vault), name, "hello " * 2_000, backups=Path(backups))
except Unavailable as error:
    print("refused:", error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits and users")
@pytest.mark.parametrize(
    ("trouble", "new"), [("full disk", False), ("read-only folder", False), ("read-only folder", True), ("another owner", False)]
)
def test_what_the_system_refuses_changes_nothing(trouble: str, new: bool) -> None:
    """In a child process, under a real limit of the system: nothing of ours is replaced for the test."""
    if trouble == "another owner" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        vault, backups = top / "vault", top / "backups"
        (vault / "Sub").mkdir(parents=True)
        backups.mkdir()
        backups.chmod(0o777)
        text = ("word " * 5_000).encode()
        path = put(vault, text, "Sub/Note.md")
        path.chmod(0o666)
        (vault / "Sub").chmod(0o777 if trouble == "another owner" else 0o755 if os.geteuid() == 0 else 0o555)
        environment = {**os.environ, "PYTHONPATH": str(Path(write.__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(vault), str(backups), "Sub/New" if new else "Sub/Note", trouble], capture_output=True,
            text=True, env=environment,
        )  # fmt: skip
        (vault / "Sub").chmod(0o755)
        assert "refused:" in done.stdout, done.stderr
        assert path.read_bytes() == text
        assert [item.name for item in (vault / "Sub").iterdir()] == ["Note.md"]
