"""What links can mean: by name, by path, beside the note; what is ambiguous; headings and block ids; and what changed since."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.vault.index import VaultIndex, build_index, read_facts

FILES = {
    "Notes/My Note.md": "# One\n## Two: *really*\ntext ^ab-1\n\n```\n# no\n^no\n```\n- item\n  ^list-2\n\n^own-3\n",
    "Notes/Twin.md": "", "Other/Twin.md": "", "Other/deep/Pic One.png": "", "Top.md": "", "Other/Top.md": "", "Cafe\u0301.md": "",
    "Notes/v1.2.md": "", ".obsidian/z.png": "", "Notes/100%.md": "",
}  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ("My Note", "", ["Notes/My Note.md"]),
        ("my note#Heading", "", ["Notes/My Note.md"]),
        ("Notes/my note.MD", "", ["Notes/My Note.md"]),
        ("My%20Note.md", "", ["Notes/My Note.md"]),
        ("deep/Pic One.png", "", ["Other/deep/Pic One.png"]),
        ("eep/Pic One.png", "", []),
        ("Twin", "", ["Notes/Twin.md", "Other/Twin.md"]),
        ("Twin", "Other/x.md", ["Other/Twin.md"]),
        ("Top", "", ["Top.md"]),
        ("Top", "Other/x.md", ["Other/Top.md"]),
        ("/Top", "Other/x.md", ["Top.md"]),
        ("../Notes/Twin.md", "Other/x.md", ["Notes/Twin.md"]),
        ("./Twin.md", "Other/x.md", ["Other/Twin.md"]),
        ("../../../etc/passwd", "Other/x.md", []),
        ("cafe\u0301", "", ["Caf\u00e9.md"]),
        ("v1.2", "", ["Notes/v1.2.md"]),
        ("100%", "", ["Notes/100%.md"]),
        ("#Heading", "Other/x.md", ["Other/x.md"]),
        ("z.png", "", []),
        ("", "", []),
    ],
)
def test_what_a_target_means(vault: Path, target: str, source: str, expected: list[str]) -> None:
    assert list(build_index(vault).resolve(target, source=source)) == expected


def test_files_and_notes_are_known(vault: Path) -> None:
    index = build_index(vault)
    assert index.has_file("pic one.png")
    assert index.has_file("deep/Pic%20One.png")
    assert not index.has_file("z.png")
    assert not index.has_file("Notes/Pic One.png")
    assert index.has_note("My Note#Heading")
    assert index.has_note("Notes/my note")
    assert index.has_note("#only a heading")
    assert not index.has_note("Nope")
    assert "Notes/Twin.md" in set(index.notes())
    assert VaultIndex(paths=["a/B.md"]).has_note("b")
    assert VaultIndex(paths=["a/B.md"]).facts("a/B.md").headings == ()


def test_headings_and_block_ids_are_read(vault: Path) -> None:
    facts = build_index(vault).facts("Notes/My Note.md")
    assert facts.headings == (("One",), ("One", "Two: *really*"))
    assert facts.block_ids == {"ab-1", "list-2", "own-3"}
    assert read_facts(b"a title\nof two lines ^both\n===\n").block_ids == {"both"}
    for fragment in ("One", "one#two really", "Two really", "One#Two: really"):
        assert facts.has_heading(fragment)
    for fragment in ("Three", "Two#One", "no"):
        assert not facts.has_heading(fragment)


def test_only_what_changed_is_read_again(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build_index(vault)
    for path in index.notes():
        index.facts(path)
    (vault / "Other/Twin.md").write_text("# New\n")
    (vault / "Added.md").write_text("# Added\n")
    (vault / "Notes/Twin.md").unlink()
    os.utime(vault / "Top.md", (5, 5))
    opened: list[str] = []
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self.name) or real(self))  # type: ignore[func-returns-value]
    index.refresh()
    assert {path: index.facts(path).headings for path in index.notes() if index.facts(path).headings} == {
        "Notes/My Note.md": (("One",), ("One", "Two: *really*")), "Other/Twin.md": (("New",),), "Added.md": (("Added",),)
    }  # fmt: skip
    assert sorted(opened) == ["Added.md", "Top.md", "Twin.md"]
    assert index.resolve("Twin") == ("Other/Twin.md",)


@given(st.binary(), st.text(), st.text())
def test_nothing_raises(data: bytes, target: str, source: str) -> None:
    read_facts(data).has_heading(target)
    VaultIndex(paths=["a/B.md", "c.png"]).resolve(target, source=source)


class Meanwhile(dict):
    """Another thread does something whenever this one has been looked into."""

    def __init__(self, known: dict, then: Callable[[], object]) -> None:
        super().__init__(known)
        self.then = then

    def get(self, *key: object) -> object:
        found = super().get(*key)
        self.then()
        return found


def test_who_reads_an_index_is_not_disturbed_by_another_look_at_the_vault(vault: Path) -> None:
    index = build_index(vault)
    later: list[VaultIndex] = []
    (vault / "Notes/My Note.md").unlink()
    index._stamps = Meanwhile(index._stamps, lambda: later or later.append(index.renewed()))
    assert index.facts("Notes/My Note.md") == later[0].facts("Notes/My Note.md")
    assert index.has_note("My Note")
    assert not later[0].has_note("My Note")


def test_another_look_at_the_vault_is_not_disturbed_by_who_reads(vault: Path) -> None:
    index, notes = build_index(vault), ["Notes/v1.2.md", "Notes/Twin.md", "Top.md"]
    index.facts("Notes/My Note.md")

    class Stamp(tuple):
        def __eq__(self, other: object) -> bool:
            for note in notes:
                index.facts(note)
            return tuple(self) == other

        __hash__ = tuple.__hash__

    path, (stamp, facts) = index._facts.popitem()
    index._facts[path] = Stamp(stamp), facts
    assert index.renewed()._facts.keys() == {path}
