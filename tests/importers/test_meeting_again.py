"""Exports that meet what is there already: older answers, lesser exporters, copies of files, highlights that were marked anew."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fake_readwise import TOKEN, FakeReadwise
from notewright import importers
from notewright.importers import import_api
from notewright.library import Library
from notewright.records import ImportReport

OLD, NEW = "2024-01-01T00:00:00.000000Z", "2024-05-01T00:00:00.000000Z"
COLUMNS = (
    "Highlight", "Book Title", "Book Author", "Amazon Book ID", "Note", "Color", "Tags", "Location Type", "Location", "Highlighted at",
    "Document tags",
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[FakeReadwise]:
    fake = FakeReadwise()
    yield fake
    fake.close()


def sync(library: Library, server: FakeReadwise, **more: Any) -> ImportReport:
    return import_api(library, token=TOKEN, base_url=server.url, sleep=lambda _: None, **more)


def table(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def answer(path: Path, title: str, *highlights: dict[str, object], **book: object) -> Path:
    told = [{"note": "", "updated_at": OLD, "tags": [], "is_deleted": False, "is_favorite": False, **item} for item in highlights]
    whole = {"user_book_id": 7, "title": title, "author": "Ann", "category": "books", "book_tags": [], **book, "highlights": told}
    path.write_text(json.dumps({"count": 1, "nextPageCursor": None, "results": [whole]}), encoding="utf-8")
    return path


def rows(library: Library) -> list[tuple[str, str, bool]]:
    """Words, remark, and whether it is there still, of every highlight."""
    found = library.db.rows("SELECT text, annotation, removed_at FROM highlights ORDER BY id")
    return [(row["text"], row["annotation"], not row["removed_at"]) for row in found]


def live(library: Library) -> list[str]:
    return sorted(text for text, _, is_there in rows(library) if is_there)


def ids(library: Library) -> dict[str, str]:
    return {row["text"]: row["id"] for row in library.db.rows("SELECT id, text FROM highlights WHERE removed_at=''")}


NOTE = "---\nauthor: Cal Newport\n---\n## Highlights\nAttention is what we pay with. ^rw1001\n\nDeep work is rare and valuable. ^rw1002\n"


def test_a_sync_s_conflict_copy_beside_its_file(library: Library, tmp_path: Path) -> None:
    (tmp_path / "Deep Work.md").write_text(NOTE)
    (tmp_path / "Deep Work (conflicted copy 2024-01-02).md").write_text(NOTE)
    importers.import_readwise(library, path=tmp_path)
    assert live(library) == ["Attention is what we pay with.", "Deep work is rare and valuable."]
    assert not importers.import_readwise(library, path=tmp_path).changed


def test_a_digest_of_several_books_leaves_their_highlights_where_they_are(library: Library, tmp_path: Path) -> None:
    def line(number: int) -> str:
        return f"- Words number {number} of it all. ([View Highlight](https://read.readwise.io/read/01h8aaaaaaaaaaaaaaaaaaaa{number}))\n"

    (tmp_path / "Books").mkdir()
    for title, numbers in (("Deep Work", range(10, 16)), ("Soundings", range(20, 26))):
        head = f"# {title}\n\n## Metadata\n- Author: [[Ann]]\n- Full Title: {title}\n- Category: #books\n\n## Highlights\n"
        (tmp_path / "Books" / f"{title}.md").write_text(head + "".join(map(line, numbers)))
    importers.import_readwise(library, path=tmp_path)
    (tmp_path / "Daily digest.md").write_text("# Daily digest\n\n## Highlights\n" + "".join(map(line, (10, 12, 20))))
    for _ in range(2):
        importers.import_readwise(library, path=tmp_path)
        assert {source.title: len(library.sources.highlights(source.id)) for source in library.sources.all()} == {
            "Deep Work": 6, "Soundings": 6,
        }  # fmt: skip
    assert not importers.import_readwise(library, path=tmp_path).changed


def test_what_is_only_added_to_takes_nothing_back_that_readwise_said(library: Library, tmp_path: Path, server: FakeReadwise) -> None:
    (tmp_path / "Book 7.md").write_text(
        "# Book 7\n\n## Metadata\n- Author: [[A]]\n- Full Title: Book 7\n- Category: #books\n\n## Highlights\n"
        "- Atention is what we pay with. ([Page 1](https://readwise.io/open/1))\n    - Note: wrong, says Ann\n"
        "- Rivers bend because water is lazy. ([Page 2](https://readwise.io/open/2))\n    - Note: delete me\n"
    )
    server.put(7, 1, "Attention is what we pay with.", NEW, note="right after all")
    server.put(7, 2, "Rivers bend because water is lazy.", NEW, note="")
    importers.import_readwise(library, path=tmp_path)
    sync(library, server)
    known = rows(library)
    assert [remark for _, remark, _ in known] == ["right after all", ""]
    importers.import_readwise(library, path=tmp_path)
    assert rows(library) == known


def test_an_older_answer_of_readwise_changes_nothing(library: Library, tmp_path: Path, server: FakeReadwise) -> None:
    server.put(7, 1, "Attention is what we pay with, always.", NEW, note="corrected")
    server.put(7, 2, "Gone one.", NEW, is_deleted=True)
    sync(library, server)
    known = rows(library)
    old = answer(tmp_path / "old.json", "Book 7", {"id": 1, "text": "Atention is what we pay with."}, {"id": 2, "text": "Gone one."})
    importers.import_readwise(library, path=old)
    assert rows(library) == known


def test_a_slow_fetch_takes_nothing_away_that_a_quick_one_stored_meanwhile(library: Library, server: FakeReadwise) -> None:
    server.put(1, 10, "Highlight 1", OLD)
    sync(library, server)
    with Library.open(library.home) as other:

        def meanwhile(done: int, total: int | None, what: str) -> None:
            if what == "fetching highlights" and len(rows(other)) == 1:
                server.put(1, 11, "New in book 1", NEW)
                sync(other, server)

        sync(library, server, full=True, progress=meanwhile)
    assert live(library) == ["Highlight 1", "New in book 1"]


def test_what_is_edited_during_a_fetch_is_asked_for_the_next_time(library: Library, server: FakeReadwise) -> None:
    for book in (1, 2):
        server.put(book, book * 10, f"Highlight {book}", OLD)
    sync(library, server)
    server.put(1, 10, "Highlight 1, edited", "2024-02-01T00:00:00.000000Z")
    told: list[int] = []

    def meanwhile(done: int, total: int | None, what: str) -> None:
        """After the question what has changed, before the question for the whole of that."""
        if what == "fetching highlights" and not told:
            told.append(done)
            server.put(2, 20, "Highlight 2, edited", "2024-02-02T00:00:00.000000Z")
            server.put(1, 11, "New in book 1", "2024-02-02T00:00:05.000000Z")

    sync(library, server, progress=meanwhile)
    sync(library, server)
    assert live(library) == ["Highlight 1, edited", "Highlight 2, edited", "New in book 1"]


def test_a_passage_that_was_deleted_and_marked_again_keeps_its_row(library: Library, tmp_path: Path) -> None:
    text = "Attention is what we pay with."
    there = {"Highlight": text, "Book Title": "Deep Work", "Book Author": "Ann", "Note": "my note", "Location Type": "location",
             "Location": "145", "Highlighted at": "2024-02-01 10:00:00+00:00"}  # fmt: skip
    importers.import_readwise(library, path=table(tmp_path / "1.csv", there))
    [row] = ids(library).values()
    place = {"text": text, "location": 145, "location_type": "location"}
    gone = {"id": 1, **place, "highlighted_at": "2024-01-31T10:00:00Z", "is_deleted": True}
    anew = {"id": 2, **place, "highlighted_at": "2024-02-01T10:00:00Z", "note": "my note"}
    importers.import_readwise(library, path=answer(tmp_path / "a.json", "Deep Work", gone, anew))
    assert ids(library) == {text: row}
    assert [(remark, is_there) for _, remark, is_there in rows(library) if is_there] == [("my note", True)]


BEES, RIVERS = "Bees dance to tell the others where the nectar is.", "Rivers bend because water is lazy."


def test_highlights_brought_in_at_one_time_are_told_apart_by_their_words(library: Library, tmp_path: Path) -> None:
    def imported(name: str, *texts: str) -> dict[str, str]:
        at = {"Book Title": "Essays", "Book Author": "Ann", "Highlighted at": "2024-01-01 10:00:00+00:00"}
        importers.import_readwise(library, path=table(tmp_path / name, *({"Highlight": text, **at} for text in texts)))
        return ids(library)

    before = imported("1.csv", BEES, "Glaciers carve the valleys they flow thru.", RIVERS)
    after = imported("2.csv", "Glaciers carve the valleys they flow through.", RIVERS)
    assert after == {
        "Glaciers carve the valleys they flow through.": before["Glaciers carve the valleys they flow thru."], RIVERS: before[RIVERS],
    }  # fmt: skip
    unlike = imported("3.csv", "Salt barges came up on the spring tide.", RIVERS)
    assert unlike["Salt barges came up on the spring tide."] not in before.values()


def test_very_many_brought_in_at_one_time_and_edited_are_the_same_ones(library: Library, tmp_path: Path) -> None:
    def imported(name: str, more: str) -> list[str]:
        at = {"Book Title": "Essays", "Book Author": "Ann", "Highlighted at": "2024-01-01 10:00:00+00:00"}
        texts = (
            f"Chapter {number} of the {number * 7919 % 1009} rivers says what {number * 104729 % 997} looms do{more}"
            for number in range(400)
        )
        importers.import_readwise(library, path=table(tmp_path / name, *({"Highlight": text, **at} for text in texts)))
        return [row["id"] for row in library.db.rows("SELECT id FROM highlights WHERE removed_at='' ORDER BY position")]

    assert imported("1.csv", ".") == imported("2.csv", ", and why.")


@pytest.mark.parametrize("again", ["csv", "api"])
def test_a_short_article_that_was_renamed_is_the_same_one(library: Library, tmp_path: Path, again: str) -> None:
    texts = [(BEES, "2024-01-01 10:00:00+00:00"), (RIVERS, "2024-01-01 10:05:00+00:00")]

    def csv_of(title: str) -> Path:
        at = {"Book Title": title, "Book Author": "Ann", "Location Type": "order", "Location": "1"}
        return table(tmp_path / f"{len(title)}.csv", *({"Highlight": text, "Highlighted at": time, **at} for text, time in texts))

    importers.import_readwise(library, path=csv_of("example.com/p?id=77"))
    before = ids(library)
    told = [{"id": n, "text": t, "location": 1, "location_type": "order", "highlighted_at": at} for n, (t, at) in enumerate(texts, 1)]
    newer = csv_of("Why Rivers Bend") if again == "csv" else answer(tmp_path / "a.json", "Why Rivers Bend", *told, category="articles")
    importers.import_readwise(library, path=newer)
    assert ids(library) == before
    assert len(library.sources.all()) == 1


def test_a_renamed_article_without_times_leaves_no_empty_source(library: Library, tmp_path: Path) -> None:
    texts = [BEES, "Glaciers carve the valleys that they flow through."]
    told = [{"id": n, "text": text, "location": n, "location_type": "order"} for n, text in enumerate(texts, 1)]
    importers.import_readwise(library, path=answer(tmp_path / "a.json", "example.com/p?id=77", *told, category="articles"))
    rows = ({"Highlight": item["text"], "Location Type": "order", "Location": str(item["location"])} for item in told)
    renamed = table(tmp_path / "b.csv", *({**row, "Book Title": "Why Rivers Bend", "Book Author": "Ann"} for row in rows))
    report = importers.import_readwise(library, path=renamed)
    assert (report.added, report.sources_added, len(library.sources.all())) == (0, 0, 1)
    assert not importers.import_readwise(library, path=renamed).changed


def test_a_kindle_highlight_that_was_extended_between_two_imports_is_one(library: Library, tmp_path: Path) -> None:
    def record(place: str, text: str, at: str) -> str:
        head = f"Deep Work (Newport, Cal)\r\n- Your Highlight on Location {place} | Added on Monday, October 5, 2020 {at}"
        return f"{head}\r\n\r\n{text}\r\n==========\r\n"

    file = tmp_path / "My Clippings.txt"
    short, longer = "attention is what we pay with in the end", "As he said: attention is what we pay with in the end"
    file.write_text(record("145-147", short, "10:15:30 AM"), encoding="utf-8-sig")
    importers.import_clippings(library, path=file)
    [row] = ids(library).values()
    with file.open("a", encoding="utf-8", newline="") as more:
        more.write(record("143-147", longer, "10:16:30 AM"))
    importers.import_clippings(library, path=file)
    assert ids(library) == {longer: row}


def test_an_edit_is_known_where_only_one_export_says_where_it_was_marked(library: Library, tmp_path: Path) -> None:
    """A Markdown export of an article has links for places, a CSV has numbers and no links."""
    file = tmp_path / "Deep Work.md"
    link = "([View Highlight](https://read.readwise.io/read/01h8aaaaaaaaaaaaaaaaaaaaa1))"
    file.write_text(f"# Deep Work\n\n## Metadata\n- Author: [[Ann]]\n\n## Highlights\n- {BEES} {link}\n", encoding="utf-8")
    importers.import_readwise(library, path=file)
    [row] = ids(library).values()
    edited = f"{BEES} And so on."
    at = {"Book Title": "Deep Work", "Book Author": "Ann", "Location Type": "offset", "Location": "77"}
    importers.import_readwise(library, path=table(tmp_path / "all.csv", {"Highlight": edited, **at}))
    assert ids(library) == {edited: row}
    file.write_text(file.read_text(encoding="utf-8").replace(BEES, f"{BEES} So it is."), encoding="utf-8")
    importers.import_readwise(library, path=file)
    assert list(ids(library).values()) == [row]


def test_one_book_from_two_shops_does_not_change_with_every_import(library: Library, tmp_path: Path) -> None:
    both = {"Book Title": "Deep Work", "Book Author": "Ann"}
    bought = {"Highlight": BEES, **both, "Amazon Book ID": "B00X", "Document tags": "focus"}
    csv_file = table(tmp_path / "all.csv", {"Highlight": RIVERS, **both}, bought, {"Highlight": "Mills", **both, "Document tags": "work"})
    importers.import_readwise(library, path=csv_file)
    importers.import_readwise(library, path=csv_file)
    assert not importers.import_readwise(library, path=csv_file).changed
    assert [source.tags for source in library.sources.all()] == [("focus",)]


def test_what_was_marked_in_the_books_of_two_shops_is_there_twice(library: Library, tmp_path: Path) -> None:
    both = {"Highlight": BEES, "Book Title": "Deep Work", "Book Author": "Ann"}
    bought = {**both, "Amazon Book ID": "B00X", "Location Type": "location", "Location": "145"}
    csv_file = table(tmp_path / "all.csv", {**both, "Location Type": "order", "Location": "3"}, bought)
    assert importers.import_readwise(library, path=csv_file).added == 2
    assert not importers.import_readwise(library, path=csv_file).changed


@pytest.mark.parametrize("first", [0, 1])
def test_two_editions_of_one_title_keep_their_own_highlights(library: Library, tmp_path: Path, first: int) -> None:
    both = {"Highlight": BEES, "Book Title": "Deep Work", "Book Author": "Ann", "Location Type": "location"}
    rows = [{**both, "Amazon Book ID": f"B00{place}", "Location": str(place)} for place in (145, 150)]
    importers.import_readwise(library, path=table(tmp_path / "1.csv", rows[first]))
    csv_file = table(tmp_path / "2.csv", *rows)
    assert importers.import_readwise(library, path=csv_file).added == 1
    assert not importers.import_readwise(library, path=csv_file).changed
    found = {source.asin: [item.location for item in library.sources.highlights(source.id)] for source in library.sources.all()}
    assert found == {"B00145": [145], "B00150": [150]}


def test_two_of_one_title_that_markdown_took_for_one_are_two_for_readwise(library: Library, tmp_path: Path) -> None:
    head = "# Deep Work\n\n## Metadata\n- Author: [[Ann]]\n- Full Title: Deep Work\n"
    link = "https://read.readwise.io/read/01h8aaaaaaaaaaaaaaaaaaaaa1"
    (tmp_path / "Export").mkdir()
    (tmp_path / "Export" / "Deep Work.md").write_text(f"{head}\n## Highlights\n- {BEES}\n")
    (tmp_path / "Export" / "Deep Work 2.md").write_text(
        f"{head}- URL: https://x.example/a\n\n## Highlights\n- {BEES} ([View Highlight]({link}))\n"
    )
    importers.import_readwise(library, path=tmp_path / "Export")
    first = json.loads(answer(tmp_path / "a.json", "Deep Work", {"id": 1, "text": BEES, "highlighted_at": OLD}).read_text())["results"]
    read = {"id": 2, "text": BEES, "highlighted_at": NEW, "url": link}
    second = json.loads(answer(tmp_path / "a.json", "Deep Work", read, user_book_id=8, source_url="https://x.example/a").read_text())
    (tmp_path / "a.json").write_text(json.dumps({"results": first + second["results"]}))
    importers.import_readwise(library, path=tmp_path / "a.json")
    assert [len(library.sources.highlights(source.id)) for source in library.sources.all()] == [1, 1]
    assert not importers.import_readwise(library, path=tmp_path / "a.json").changed


def listed(path: Path, **books: tuple[str, ...]) -> Path:
    """A CSV of these books' highlights, each with a place and a time of its own by its words."""
    rows = [
        {"Highlight": text, "Book Title": title, "Book Author": "Ann", "Location Type": "page", "Location": str(len(text)),
         "Highlighted at": f"2024-01-01 10:00:{len(text) % 60:02}+00:00"}
        for title, found in books.items() for text in found
    ]  # fmt: skip
    return table(path, *rows)


@pytest.mark.parametrize("known_by", ["csv", "api"])
def test_books_that_were_merged_have_each_highlight_once(library: Library, tmp_path: Path, known_by: str) -> None:
    importers.import_readwise(library, path=listed(tmp_path / "1.csv", Rivers=(RIVERS, "Mills grind."), Bees=(BEES,)))
    if known_by == "api":
        told = {"id": 5, "text": BEES, "location": len(BEES), "location_type": "page"}
        importers.import_readwise(library, path=answer(tmp_path / "a.json", "Bees", told))
    before = ids(library)
    merged = listed(tmp_path / "2.csv", Rivers=(RIVERS, "Mills grind.", BEES))
    report = importers.import_readwise(library, path=merged)
    assert ids(library) == before
    assert (report.added, report.removed) == (0, 0)
    assert not importers.import_readwise(library, path=merged).changed
    titles = [source.title for source in library.sources.all()]
    assert titles == (["Rivers"] if known_by == "csv" else ["Bees", "Rivers"])  # where it is, Readwise itself knows better than a CSV
    importers.import_readwise(library, path=listed(tmp_path / "3.csv", Rivers=(RIVERS, "Mills grind."), Bees=(BEES,)))
    assert ids(library) == before
    assert [source.title for source in library.sources.all()] == ["Bees", "Rivers"]


def test_what_was_edited_and_moved_to_another_book_at_once_is_the_same(library: Library, tmp_path: Path) -> None:
    def at(text: str, title: str, time: str, place: str = "12") -> dict[str, str]:
        return {"Highlight": text, "Book Title": title, "Book Author": "Ann", "Location Type": "page", "Location": place,
                "Highlighted at": f"2024-01-01 10:00:{time}+00:00"}  # fmt: skip

    stays = at("Mills grind.", "Rivers", "01"), at("Looms weave.", "Bees", "02")
    importers.import_readwise(library, path=table(tmp_path / "1.csv", *stays, at(BEES, "Bees", "03")))
    before = ids(library)
    edited = f"{BEES} So it is."
    report = importers.import_readwise(library, path=table(tmp_path / "2.csv", *stays, at(edited, "Rivers", "03")))
    assert ids(library)[edited] == before[BEES]
    assert (report.added, report.removed) == (0, 0)
    unlike = "Salt barges came up on the spring tide."
    importers.import_readwise(library, path=table(tmp_path / "3.csv", *stays, at(unlike, "Bees", "03")))
    assert ids(library)[unlike] != before[BEES]


def test_a_book_that_was_merged_into_another_in_readwise_is_there_no_more(library: Library, tmp_path: Path) -> None:
    told = [{"id": 5, "text": BEES, "location": 3}, {"id": 6, "text": RIVERS, "location": 4}]
    importers.import_readwise(library, path=answer(tmp_path / "a.json", "Bees", told[0], user_book_id=8))
    before = ids(library)
    report = importers.import_readwise(library, path=answer(tmp_path / "b.json", "Rivers", *told, user_book_id=9))
    assert [source.title for source in library.sources.all()] == ["Rivers"]
    assert (report.sources_added, ids(library)[BEES]) == (1, before[BEES])
    importers.import_readwise(library, path=answer(tmp_path / "c.json", "Bees", told[0], user_book_id=8))
    assert [source.title for source in library.sources.all()] == ["Bees", "Rivers"]


def test_a_title_that_was_mended_in_its_capitals_arrives_from_readwise(library: Library, tmp_path: Path) -> None:
    told = {"id": 5, "text": BEES, "location": 3, "location_type": "page"}
    importers.import_readwise(library, path=answer(tmp_path / "a.json", "OF BEES", told))
    importers.import_readwise(library, path=answer(tmp_path / "b.json", "Of Bees", told))
    assert [source.title for source in library.sources.all()] == ["Of Bees"]
    here = {"Highlight": BEES, "Book Title": "OF BEES", "Book Author": "Ann", "Location Type": "page", "Location": "3"}
    importers.import_readwise(library, path=table(tmp_path / "c.csv", here))
    assert [source.title for source in library.sources.all()] == ["Of Bees"]


def test_what_two_books_have_both_is_there_twice(library: Library, tmp_path: Path) -> None:
    importers.import_readwise(library, path=listed(tmp_path / "1.csv", Bees=(BEES,)))
    importers.import_readwise(library, path=listed(tmp_path / "2.csv", Again=(RIVERS, BEES), Bees=(BEES,)))
    importers.import_readwise(library, path=answer(tmp_path / "a.json", "Of mills", {"id": 5, "text": BEES, "location": 3}))
    assert live(library) == [BEES, BEES, BEES, RIVERS]


@pytest.mark.parametrize(("written", "stands"), [("2024-02-01", "new remark"), ("2024-06-01", "old remark")])
def test_a_csv_that_was_written_before_an_edit_does_not_take_it_back(library: Library, tmp_path: Path, written: str, stands: str) -> None:
    path = answer(
        tmp_path / "export.json", "Deep Work",
        {"id": 1, "text": "Attention is what we pay with.", "note": "new remark", "updated_at": NEW},
    )  # fmt: skip
    importers.import_readwise(library, path=path)
    old = {"Highlight": "Attention is what we pay with.", "Book Title": "Deep Work", "Book Author": "Ann", "Note": "old remark"}
    new = {"Highlight": "Focus is rare.", "Book Title": "Deep Work", "Book Author": "Ann"}
    file = table(tmp_path / "old.csv", old, new)
    at = datetime.fromisoformat(f"{written}T00:00:00+00:00").timestamp()
    os.utime(file, (at, at))
    importers.import_readwise(library, path=file)
    assert sorted(rows(library)) == [("Attention is what we pay with.", stands, True), ("Focus is rare.", "", True)]
