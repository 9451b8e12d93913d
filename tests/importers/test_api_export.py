"""Saved answers of /api/v2/export/: envelope, list, JSONL; and errors with line and column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from notewright.errors import Invalid
from notewright.importers import import_readwise
from notewright.importers.api_export import read_json
from notewright.importers.reading import Document
from notewright.library import Library


def highlight(number: int, text: str = "Text", **more: Any) -> dict[str, Any]:
    base = {
        "id": number, "is_deleted": False, "text": text, "location": number, "location_type": "offset", "note": "", "color": "",
        "highlighted_at": "2024-01-02T03:04:05.678901Z", "updated_at": "2024-02-02T03:04:05.678901Z", "external_id": None, "url": None,
        "tags": [], "is_favorite": False, "is_discard": False,
    }  # fmt: skip
    return {**base, **more}


def book(number: int, *highlights: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "user_book_id": number, "is_deleted": False, "title": f"Book {number}", "author": "Ann Author", "readable_title": None,
        "source": "reader", "cover_image_url": None, "unique_url": None, "summary": None, "book_tags": [], "category": "articles",
        "document_note": None, "readwise_url": f"https://readwise.io/bookreview/{number}", "source_url": None, "external_id": None,
        "asin": None, "highlights": list(highlights),
    }  # fmt: skip
    return {**base, **more}


def read(value: object) -> Any:
    return read_json(Document("x.json", (value if isinstance(value, str) else json.dumps(value, indent=1)).encode()))


def test_a_book_is_read_whole() -> None:
    ulid = "01hf4085a0tp3jdvc88gvh2avw"
    link, tags = f"https://read.readwise.io/read/{ulid}", [{"id": 1, "name": "yellow"}, {"id": 2, "name": "Idea"}]
    mark = highlight(7, url=link, external_id=ulid, color="yellow", tags=tags, is_favorite=True)
    web = {"source_url": "https://a.example/x#part", "external_id": "01h" + "a" * 23, "book_tags": [{"id": 1, "name": "web"}]}
    ((source,), warnings) = read({"count": 1, "nextPageCursor": None, "results": [book(3, mark, **web)]})
    assert warnings == []
    assert (source.kind, source.app, source.url, source.tags) == ("article", "reader", "https://a.example/x#part", ("web",))
    assert source.outside_ids == ("readwise:3", "reader:01h" + "a" * 23, "url:https://a.example/x")
    (found,) = source.highlights
    assert found.outside_ids == ("readwise:7", f"reader:{ulid}")
    assert (found.tags, found.is_favorite, found.highlighted_at) == (("Idea",), True, "2024-01-02T03:04:05+00:00")
    assert found.updated_at == "2024-02-02T03:04:05.678901+00:00"


@pytest.mark.parametrize("address", ["private://read/01gxyz", "mailto:reader-forwarded-email/abc123"])
def test_uploads_and_forwarded_mails_have_the_address_that_opens_them(library: Library, tmp_path: Path, address: str) -> None:
    link = "https://read.readwise.io/read/01gxyz00000000000000000000"
    ((source,), _) = read([book(4, highlight(1), source_url=address, unique_url=link)])
    assert source.url == link
    assert source.outside_ids == ("readwise:4", "reader:01gxyz00000000000000000000", f"url:{address}")
    ((bare,), _) = read([book(4, highlight(1), source_url=address)])
    assert (bare.url, bare.outside_ids) == ("", ("readwise:4", f"url:{address}"))
    path = tmp_path / "Book 4.md"
    head = "# Book 4\n\n## Metadata\n- Author: [[Ann Author]]\n- Full Title: Book 4\n- Category: #articles\n"
    path.write_text(f"{head}- URL: {address}\n\n## Highlights\n- Text\n", encoding="utf-8")
    import_readwise(library, path=path)
    (tmp_path / "a.json").write_text(json.dumps([book(4, highlight(1), source_url=address, unique_url=link)]), encoding="utf-8")
    for file in ("a.json", "Book 4.md"):
        report = import_readwise(library, path=tmp_path / file)
        assert (report.added, report.sources_added) == (0, 0)
        assert [item.url for item in library.sources.all()] == [link]


def test_a_kindle_highlight_gets_its_link() -> None:
    ((source,), _) = read([book(1, highlight(5, location=223, location_type="location"), asin="B01", source="kindle", category="books")])
    assert source.highlights[0].url == "https://readwise.io/to_kindle?action=open&asin=B01&location=223"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"count": 2, "nextPageCursor": None, "results": [book(1), book(2)]}),
        json.dumps([book(1), book(2)]),
        json.dumps(book(1)) + "\n" + json.dumps(book(2)) + "\n\n",
        json.dumps({"results": [book(1)]}) + "\n" + json.dumps({"results": [book(2)]}),
    ],
)
def test_all_wrappings_hold_the_same_books(text: str) -> None:
    sources, _ = read(text)
    assert [source.title for source in sources] == ["Book 1", "Book 2"]


def test_one_page_of_several_is_said() -> None:
    _, warnings = read({"results": [book(1)], "nextPageCursor": 12})
    assert "one page of several" in warnings[0]


@pytest.mark.parametrize(
    ("cursors", "expected"),
    [
        ([1, None], []),
        ([1, 2], ["x.json holds 2 pages of several (nextPageCursor is set): import the other pages too"]),
    ],
)
def test_only_pages_without_the_last_one_are_said_to_miss_some(cursors: list[int | None], expected: list[str]) -> None:
    pages = [json.dumps({"results": [book(number)], "nextPageCursor": cursor}) for number, cursor in enumerate(cursors, 1)]
    sources, warnings = read("\n".join(pages))
    assert (len(sources), warnings) == (2, expected)


def test_a_book_that_goes_on_on_another_line_is_put_together() -> None:
    lines = [book(1, highlight(7), highlight(8)), book(2, highlight(10)), book(1, highlight(8), highlight(9), title="Newer")]
    sources, warnings = read("\n".join(map(json.dumps, lines)))
    assert warnings == []
    found = [(source.title, [item.outside_ids[0] for item in source.highlights]) for source in sources]
    assert found == [("Newer", ["readwise:7", "readwise:8", "readwise:9"]), ("Book 2", ["readwise:10"])]
    with pytest.raises(Invalid, match="line 2: highlight id 7 is there twice"):
        read("\n".join(map(json.dumps, [book(1, highlight(7)), book(2, highlight(7))])))


def test_missing_and_null_fields_are_fine() -> None:
    ((source,), warnings) = read([{"highlights": [{"text": "Bare"}, {"text": "Odd", "location": "x", "highlighted_at": "soon"}]}])
    assert (source.title, source.author, source.kind) == ("", "", "book")
    assert len(warnings) == 2


def test_a_book_without_a_title_keeps_the_one_it_has(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    for title, expected in ((None, "Untitled"), ("Deep Work", "Deep Work"), (None, "Deep Work"), ("", "Deep Work")):
        path.write_text(json.dumps([{"user_book_id": 7, "title": title, "highlights": [{"id": 1, "text": "Words."}]}]))
        import_readwise(library, path=path)
        assert [source.title for source in library.sources.all()] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"results": [\n {"title": "A", "highl', ["line 2", "column", "cut off"]),
        ('{"results": [\n {"title": }]}', ["line 2, column 12"]),
        ('{"highlights": []}\n{"b": ', ["line 2, column"]),
        ('[{"highlights": [{"id": ' + "9" * 5000 + ', "text": "x"}]}]', ["line 1", "thousands of digits"]),
        ('{"highlights": []}\n{"b": ' + "9" * 5000 + "}", ["line 2", "thousands of digits"]),
        ('{"detail": "Invalid token."}', ["error answer", "Invalid token."]),
        ('{"foo": 1}', ["line 1", "no list of books"]),
        ('[\n{"highlights": []},\n{"highlights": [\n{"text": 5}]}]', ["line 4", '"text" must be text']),
        ('[{"id": 1,\n "text": "x", "book_id": 3}]', ["/api/v2/highlights/"]),
        ('[{"user_book_id": 1, "highlights": [\n{"id": 9, "text": "a"},\n{"id": 9, "text": "b"}]}]', ["line 3", "highlight id 9", "twice"]),
        ('[\n{"user_book_id": 1, "highlights": []},\n{"user_book_id": 1, "highlights": []}]', ["line 3", "user_book_id 1", "twice"]),
    ],
)
def test_broken_json_is_refused_with_the_line(library: Library, tmp_path: Path, text: str, expected: list[str]) -> None:
    path = tmp_path / "export.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        import_readwise(library, path=path)
    for words in expected:
        assert words in caught.value.message
    assert caught.value.message.startswith("export.json, line")
    assert library.sources.all() == []


def test_values_that_no_store_takes_are_softened(library: Library, tmp_path: Path) -> None:
    odd = highlight(
        1, text="half \ud83d pair", location=10**30, highlighted_at="0001-01-01T00:00:00+05:00", tags=[{"id": 1, "name": "a\ud83d"}],
        url="https://[kindle/x",
    )  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps([book(1, odd, source_url="https://[x/y#z")]), encoding="utf-8")
    report = import_readwise(library, path=tmp_path / "x.json")
    assert (report.added, len(report.warnings)) == (1, 2)
    assert not import_readwise(library, path=tmp_path / "x.json").changed


def test_endless_nesting_is_refused(library: Library, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(Invalid, match="nested too deeply"):
        import_readwise(library, path=tmp_path / "deep.json")
