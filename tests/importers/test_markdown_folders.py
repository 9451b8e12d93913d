"""Folders and archives of Markdown exports: what is put together, what is left out, and what is refused."""

from __future__ import annotations

import os
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from markdown_exports import OFFICIAL, link, make_folder, parse
from notewright.errors import Invalid
from notewright.importers import import_readwise, markdown_export, reading
from notewright.importers.reading import Document
from notewright.library import Library

WHOLE = "---\nFull Title: Ferns\nURL: https://ferns.example/{0}\n---\n\n![rw-book-cover](https://c.example)\n\n# Notes\n\n{1}"


def test_full_documents_are_no_highlights(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "Reading"
    (folder / "Full Document Contents").mkdir(parents=True)
    (folder / "Ferns.md").write_text(f"# Ferns\n- URL: https://ferns.example/1\n\n## Highlights\n- Ferns need water. {link(1)}\n")
    prose = "Ferns are old.\n\nFerns need water.\n\nAnd light.\n"
    (folder / "Full Document Contents" / "Ferns.md").write_text(WHOLE.format(1, "- a list\n- of it\n" + prose))
    (folder / "Somewhere.md").write_text(WHOLE.format(2, prose))
    report = import_readwise(library, path=folder)
    assert (report.sources_added, report.added) == (1, 1)
    assert report.warnings == (
        "1 full document left out, being what you read and not what you marked: Full Document Contents/Ferns.md",
        "1 file is no export, left out: Somewhere.md",
    )


def test_a_cover_above_a_list_of_highlights_is_an_export() -> None:
    assert [item.text for item in parse(WHOLE.format(3, "- One\n- Two\n")).highlights] == ["One", "Two"]
    assert [item.text for item in parse(WHOLE.format(3, "One (Page 1)\n\nTwo\n")).highlights][0] == "One"


def test_second_exports_are_told_in_one_line(library: Library, tmp_path: Path) -> None:
    for number in range(9):
        text = f"# T{number}\n- URL: https://x.example/{number}\n## Highlights\n- One\n"
        (tmp_path / f"{number}.md").write_text(text)
        (tmp_path / f"{number}-2.md").write_text(text)
    warnings = import_readwise(library, path=tmp_path).warnings
    assert library.sources.files() == {f"{tmp_path.name}/{number}{more}.md" for number in range(9) for more in ("", "-2")}
    assert len(warnings) == 1
    assert warnings[0].startswith("9 files are second exports of their sources, put together with the first: ")
    assert warnings[0].endswith(" and 4 more")


def test_a_name_that_is_no_text_stops_no_import(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "Readwise"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"caf\xe9.md")).write_text("# Caf\n\n## Highlights\n- One\n")
    except OSError:
        pytest.skip("this file system takes no such names")
    assert import_readwise(library, path=folder).added == 1
    assert library.sources.files() == {"Readwise/caf�.md"}
    assert not import_readwise(library, path=folder).changed


def test_an_archive_with_a_broken_name_is_told(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é.md", "## Highlights\n- One\n")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(Invalid, match="damaged or locked ZIP"):
        import_readwise(library, path=path)


def test_a_folder_and_its_zip_are_the_same_import(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Readwise")
    report = import_readwise(library, path=folder)
    assert (report.origin, report.sources_added, report.added, report.marks_changed) == ("markdown", 2, 8, 3)
    assert "Readwise Syncs.md" in report.warnings[0]
    assert {source.title: source.kind for source in library.sources.all()} == {
        "Deep Work: Rules for Focused Success": "book", "Plain": "article"
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in folder.rglob("*.md"):
            archive.write(file, file.relative_to(folder).as_posix())
    assert not import_readwise(library, path=tmp_path / "export.zip").changed


def test_two_files_of_one_source_are_put_together(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Readwise")
    (folder / "Books" / "Renamed-2.md").write_text(OFFICIAL + "- Only in the second file\n", encoding="utf-8")
    report = import_readwise(library, path=folder)
    assert (report.sources_added, report.added, report.marks_changed) == (2, 9, 3)
    assert "put together" in report.warnings[0]
    assert not import_readwise(library, path=folder).changed


def test_only_files_that_may_be_of_one_source_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    same = markdown_export._same
    monkeypatch.setattr(markdown_export, "_same", lambda left, right: compared.append((left.title, right.title)) or same(left, right))
    text = (
        "# {0}\n\n## Metadata\n- Author: [[Ann]]\n- Full Title: {0}\n- Category: #articles\n- URL: https://x.example/{1}\n\n## Highlights\n"
    )
    files = {f"{number}.md": (f"Title {number}", number) for number in range(50)} | {
        "again.md": ("Other title", 7),
        "title.md": ("Title 9", 50),
    }
    documents = [Document(name, (text.format(*values) + f"- Words {name} (Page 1)\n").encode()) for name, values in files.items()]
    sources, warnings, _ = markdown_export.read_markdown(documents)
    assert len(sources) == 51  # one of the same title has an address of its own
    assert warnings == ["1 file is a second export of its source, put together with the first: again.md and 7.md"]
    assert compared == [("Title 7", "Other title"), ("Title 9", "Title 9")]


def test_edits_and_removals_arrive(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "T.md"
    before = "## Highlights\n- Kept (Page 1)\n    - Note: old\n- Gone (Page 2)\n- Words that I read here (Page 3)\n"
    path.write_text(before, encoding="utf-8")
    import_readwise(library, path=path)
    path.write_text("## Highlights\n- Kept (Page 1)\n    - Note: new\n- Words that I read there (Page 3)\n", encoding="utf-8")
    report = import_readwise(library, path=path)
    assert (report.added, report.updated, report.removed) == (0, 2, 1)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.pdf", b"%PDF-1.7 \n%\xe2", "is a PDF"),
        ("a.md", b"", "is empty"),
        ("a.csv", b" \n", "is empty"),
        ("a.html", b"<!DOCTYPE html><html></html>", "web page"),
        ("a.bin", bytes(range(256)) * 8, "binary"),
        ("a.csv", "Highlight\nCafé\n".encode("latin-1"), "a.csv, line 2: byte 0xe9 at offset 13"),
        ("a.md", b"# Just a note\n", "no highlights export"),
        ("a.txt", b"hello\n", "no highlights export"),
        ("My Clippings.txt", b"T (A)\n- Your Note on page 1\n\nx\n==========\n", "Kindle clippings"),
        ("a.zip", b"PK\x03\x04 cut off", "damaged"),
        ("empty.zip", b"PK\x05\x06" + bytes(18), "There is no highlights export in "),
    ],
)
def test_files_that_are_no_exports(library: Library, tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Invalid) as caught:
        import_readwise(library, path=tmp_path / name)
    assert expected in caught.value.message
    assert caught.value.hint
    assert library.sources.all() == []


def test_a_file_that_is_no_text_is_left_out_of_a_folder(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Readwise")
    bad = folder / "Books" / "bad.md"
    bad.write_bytes(b"## Highlights\n- caf\xe9\n")
    report = import_readwise(library, path=folder)
    assert (report.sources_added, report.added) == (2, 8)
    assert report.warnings[0].startswith("Books/bad.md, line 2: byte 0xe9 at offset 19 is not UTF-8")
    assert "left out" in report.warnings[0]
    bad.write_text("## Highlights\n- café\n", encoding="utf-8")
    assert import_readwise(library, path=folder).added == 1
    bad.write_bytes(b"## Highlights\n- caf\xe9, and more\n")
    assert not import_readwise(library, path=folder).changed
    for number in range(3):
        (folder / f"{number}.md").write_bytes(b"%PDF-1.7 " + bytes(90))
    report = import_readwise(library, path=folder)
    assert not report.changed
    assert report.warnings[0].startswith(
        "4 files that cannot be read, or not as text (UTF-8), left out; what was imported from them before stays: "
    )


@pytest.mark.parametrize("archived", [False, True])
def test_what_a_file_that_is_no_text_any_more_gave_stays(library: Library, tmp_path: Path, archived: bool) -> None:
    folder = make_folder(tmp_path / "Readwise")
    second = folder / "Books" / "Renamed-2.md"
    second.write_text(OFFICIAL + "- Only in the second file\n", encoding="utf-8")
    other = folder / "Books" / "Other.md"
    other.write_text("## Highlights\n- Stays\n- Goes\n", encoding="utf-8")
    import_readwise(library, path=folder)
    second.write_bytes(b"\xff\xfe\xfd")
    other.write_text("## Highlights\n- Stays\n", encoding="utf-8")
    path = folder
    if archived:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in folder.rglob("*.md"):
                archive.write(file, file.relative_to(folder).as_posix())
    assert import_readwise(library, path=path).removed == 1
    texts = [item.text for source in library.sources.all() for item in library.sources.highlights(source.id)]
    assert "Only in the second file" in texts
    assert "Goes" not in texts


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_what_cannot_be_read_is_left_out_of_a_folder(
    locked: str, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "Readwise")
    (folder / "Locked").mkdir()
    second = folder / "Locked" / "Renamed-2.md"
    second.write_text(OFFICIAL + "- Only in the second file\n", encoding="utf-8")
    (folder / "Locked" / "Alone.md").write_text("## Highlights\n- Alone\n", encoding="utf-8")
    import_readwise(library, path=folder)
    (folder / "New.md").write_text("## Highlights\n- New\n", encoding="utf-8")
    before = {"file": Path.read_bytes, "folder": os.scandir}[locked]

    def refused(path: Path | str) -> object:
        if Path(path) in (second, second.parent):
            raise PermissionError(13, "Permission denied", str(path))
        return before(path)

    monkeypatch.setattr(*{"file": (Path, "read_bytes"), "folder": (os, "scandir")}[locked], refused)
    report = import_readwise(library, path=folder)
    assert (report.added, report.removed) == (1, 0)
    which = second if locked == "file" else second.parent
    assert f"{which} cannot be read: Permission denied. It was left out; what was imported from it before stays." in report.warnings
    texts = [item.text for source in library.sources.all() for item in library.sources.highlights(source.id)]
    assert {"Only in the second file", "Alone", "New"} <= set(texts)


def test_a_folder_may_be_as_deep_as_the_disk_allows(library: Library, tmp_path: Path) -> None:
    folder = made = make_folder(tmp_path / "Readwise")
    for _ in range(sys.getrecursionlimit() + 50):
        made = made / "d"
        made.mkdir()
    (made / "Deep.md").write_text("## Highlights\n- Deep\n", encoding="utf-8")
    try:
        assert import_readwise(library, path=folder).added == 9
    finally:  # what clears up after the tests calls itself for each level
        (made / "Deep.md").unlink()
        while made != folder:
            made.rmdir()
            made = made.parent


def test_a_folder_beside_a_csv_that_cannot_be_looked_into_stops_no_import(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "readwise-data.csv").write_text("Highlight,Book Title\nWords,A book\n", encoding="utf-8")
    (tmp_path / "Note.md").write_text("# A note\n", encoding="utf-8")
    (tmp_path / "lost+found").mkdir()
    before = os.scandir

    def refused(path: str) -> object:
        if Path(path).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return before(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert import_readwise(library, path=tmp_path).added == 1


def test_a_folder_of_nothing_but_files_that_are_no_text_is_refused(library: Library, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"## Highlights\n- caf\xe9\n")
    with pytest.raises(Invalid, match=r"bad\.md, line 2: byte 0xe9"):
        import_readwise(library, path=tmp_path)
    assert library.sources.all() == []


def test_other_exports_beside_a_markdown_export_are_named(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Downloads")
    (folder / "readwise-data.csv").write_text("Highlight,Book Title\nWords,Another book\n", encoding="utf-8")
    report = import_readwise(library, path=folder)
    assert (report.origin, report.added) == ("markdown", 8)
    assert "1 file beside the Markdown export left out: readwise-data.csv" in report.warnings[-1]


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_told(library: Library, tmp_path: Path, packed: int) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", packed) as archive:
        archive.writestr("x.md", OFFICIAL * 20)
    assert import_readwise(library, path=path).added
    data = bytearray(path.read_bytes())
    start = data.index(b"x.md") + 24
    data[start : start + 40] = bytes(byte ^ 0xFF for byte in data[start : start + 40])
    path.write_bytes(data)
    with pytest.raises(Invalid, match=r"^export\.zip is a damaged or locked ZIP archive: ") as caught:
        import_readwise(library, path=path)
    assert caught.value.hint


@pytest.mark.parametrize(("at", "byte"), [(8, 9), (8, 98), (6, 1)], ids=["deflate64", "an unknown method", "encrypted"])
def test_an_archive_packed_as_nobody_here_can_unpack_is_told(library: Library, tmp_path: Path, at: int, byte: int) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.md", OFFICIAL)
    data = bytearray(path.read_bytes())
    data[at] = data[data.index(b"PK\1\2") + at + 2] = byte
    path.write_bytes(data)
    with pytest.raises(Invalid, match=r"^export\.zip is a damaged or locked ZIP archive: "):
        import_readwise(library, path=path)


def test_an_archive_that_lacks_bytes_is_told(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.md", OFFICIAL)
    data = path.read_bytes()
    for start in (0, 50):
        path.write_bytes(data[:start] + data[start + 2 :])
        with pytest.raises(Invalid):
            import_readwise(library, path=path)


def test_a_folder_without_an_export(library: Library, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no highlights export"):
        import_readwise(library, path=tmp_path)
    (tmp_path / "note.md").write_text("# Hello\n", encoding="utf-8")
    with pytest.raises(Invalid, match="1 Markdown file, and it is no highlights export"):
        import_readwise(library, path=tmp_path)


def test_real_vaults(library: Library, shared_data: Path) -> None:
    vaults = shared_data / "vaults"
    first = import_readwise(library, path=vaults / "biancamika+digital-garden-template" / "Readwise")
    second = import_readwise(library, path=vaults / "matt2ology+tech-journal-and-blog-content" / "post" / "reference")
    assert (first.sources_added, second.sources_added) == (202, 27)
    marks = [item for source in library.sources.all() for item in library.sources.highlights(source.id, marks=True)]
    assert len(marks) == first.added + first.marks_changed + second.added
    assert library.counts()["highlights"] == first.added + second.added
    assert not import_readwise(library, path=vaults / "biancamika+digital-garden-template" / "Readwise").changed


@pytest.mark.parametrize(("names", "told"), [([], "1 file is no export, left out: "), (["a.md"], "2 files are no exports, left out: ")])
def test_files_that_are_no_exports_are_counted(library: Library, tmp_path: Path, names: list[str], told: str) -> None:
    folder = make_folder(tmp_path / "Readwise")
    for name in names:
        (folder / name).write_text("")
    assert told in "\n".join(import_readwise(library, path=folder).warnings)


@pytest.mark.parametrize("told", [True, False], ids=["honest", "lying about its size"])
def test_an_archive_that_unpacks_to_too_much_is_refused(
    told: bool, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1_000_000)
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.md", OFFICIAL)
        archive.writestr("b.md", b"\n" * 1_000_000)
    if not told:
        size = (1_000_000).to_bytes(4, "little")
        assert path.read_bytes().count(size) == 2
        path.write_bytes(path.read_bytes().replace(size, (10**9).to_bytes(4, "little")))
    assert path.stat().st_size < 5000
    with pytest.raises(Invalid, match="unpacks to more than 1 MB"):
        import_readwise(library, path=path)
    assert not library.sources.all()


def test_an_archive_that_lies_about_what_bzip2_unpacks_to_takes_no_memory(library: Library, tmp_path: Path) -> None:
    path, size = tmp_path / "export.zip", 60_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.md", b"\n" * size)
    data = path.read_bytes()
    assert data.count(size.to_bytes(4, "little")) == 2
    path.write_bytes(data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match=r"^export\.zip is a damaged or locked ZIP archive: "):
            import_readwise(library, path=path)
        assert tracemalloc.get_traced_memory()[1] < size / 2
    finally:
        tracemalloc.stop()
