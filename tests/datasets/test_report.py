"""The report is one page that needs nothing else, and tells what the dataset is and is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright.datasets import build, report
from notewright.errors import NotFound, Unavailable
from notewright.library import Library


def test_the_report_is_one_page_of_its_own(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path)
    dataset = build(library, kind="sft")
    page = report(library, path=tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert '<meta name="viewport" content="width=device-width' in page
    assert "src=" not in page  # no file or address that could be missing or call out
    for words in (dataset.id, "Coverage", "Lengths", "words per list item", "Left out", "notes in it"):
        assert words in page


def test_what_was_left_out_is_shown(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    text = "Nothing of <this> is from a book of facts, as far as I know."
    with library.db.write() as connection:
        connection.execute("UPDATE pairs SET status='proposed', score=0.95, passage_text=? WHERE id='pair-1'", (text,))
    dataset = build(world.library, kind="sft")
    reason = "mostly the person's own knowledge: hardly a sentence rests on its highlights"
    assert dataset.manifest["left_out"] == {reason: 1}
    assert dataset.manifest["left_out_pairs"] == {"pair-1": reason}
    page = report(library, dataset=dataset, path=tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nothing of &lt;this&gt; is" in page


def test_a_page_that_cannot_be_written_leaves_the_one_before(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_world.build(library, tmp_path)
    build(library, kind="sft")
    before = report(library, path=tmp_path / "report.html").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("notewright.files.os.fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        report(library, path=tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == before
    assert b"\r" not in before


def test_without_a_dataset_or_a_place_it_says_so(library: Library, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no sft dataset"):
        report(library, path=tmp_path / "x.html")
    small_world.build(library, tmp_path)
    build(library, kind="sft")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable, match="cannot be written"):
        report(library, path=tmp_path / "folder")
