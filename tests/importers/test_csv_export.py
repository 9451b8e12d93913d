"""The CSV: headers old and new, quoting, times, marks; and one clear error with the line for everything that is wrong."""

from __future__ import annotations

import csv
import io
import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notewright.errors import Invalid
from notewright.importers import import_readwise
from notewright.importers.csv_export import HEADER, looks_like_csv, read_csv
from notewright.importers.reading import Document
from notewright.library import Library
from notewright.records import Highlight, ImportReport

NEW = ",".join(HEADER)
OLD = ",".join(HEADER[:10])


def parse(text: str | bytes) -> list[Highlight]:
    export = read_csv(Document("x.csv", text.encode() if isinstance(text, str) else text))
    return [highlight for source in export.sources() for highlight in source.highlights]


def test_a_full_row_is_read() -> None:
    export = read_csv(
        Document(
            "x.csv",
            f'{NEW}\r\n"Two ""quoted"" lines,\nreally",Deep Work,Cal Newport,B00X47ZVXM,My remark,yellow,"focus, yellow",location,223,'
            '2020-10-05 10:15:30+00:00,"productivity, books"\r\n'.encode(),
        )
    )
    (source,) = export.sources()
    assert (source.title, source.author, source.asin, source.tags) == ("Deep Work", "Cal Newport", "B00X47ZVXM", ("productivity", "books"))
    assert source.outside_ids == ("asin:B00X47ZVXM",)
    (highlight,) = source.highlights
    assert highlight.text == 'Two "quoted" lines,\nreally'
    assert (highlight.annotation, highlight.tags, highlight.color) == ("My remark", ("focus",), "yellow")
    assert (highlight.location, highlight.location_type, highlight.highlighted_at) == (223, "location", "2020-10-05T10:15:30+00:00")
    assert "url" not in export.carries
    assert "is_favorite" not in export.carries


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (NEW, "Text,T,A,,,,,,,,"),
        (OLD, "Text,T,A,,,,,,,"),
        ("Highlight", "Text"),
        ("highlight , Book Title", "Text,T"),
        ("Book Title,Highlight,Something new", "T,Text,?"),
        ("Highlight,Title,Author,URL,Note,Location", "Text,T,A,https://a.example/x#y,,"),
        ("Highlight;Book Title", "Text;T"),
    ],
)
def test_any_header_with_a_highlight_column_is_read(header: str, row: str) -> None:
    assert [item.text for item in parse(f"{header}\n{row}\n")] == ["Text"]


def test_the_list_of_documents_that_reader_exports_is_told_apart() -> None:
    with pytest.raises(Invalid) as caught:
        parse("Title,URL,ID,Document tags,Saved date,Reading progress,Location,Seen\nHow to read,https://a.b/c,01abc,,,0.5,archive,True\n")
    assert caught.value.hint.startswith("This is Reader's list of documents, which has no highlights. Export it again")


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8-sig", b""), ("utf-16", b""), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-32", b""),
        ("utf-32-le", b"\xff\xfe\x00\x00"), ("utf-32-be", b"\x00\x00\xfe\xff"),
    ],
)  # fmt: skip
def test_marks_of_the_encoding_are_understood(encoding: str, mark: bytes) -> None:
    text = f"{NEW}\nCafé – “x”,T,A,,,,,,,,\n"
    assert parse(mark + text.encode(encoding))[0].text == "Café – “x”"


@pytest.mark.parametrize(("first", "delimiter"), [("sep=,", ","), ('"sep=;"', ";"), ("SEP=;;;;", ";"), ("sep=\t", "\t")])
@pytest.mark.parametrize(("encoding", "end"), [("utf-8-sig", "\r\n"), ("utf-16", "\n")])
def test_the_line_that_tells_excel_the_delimiter_is_understood(first: str, delimiter: str, encoding: str, end: str) -> None:
    lines = [first, NEW.replace(",", delimiter), delimiter.join(["One, two", "T", "A", *[""] * 8]).replace("One, two", '"One, two"'), "x"]
    text = end.join(lines)
    assert looks_like_csv(text)
    with pytest.raises(Invalid, match="line 4: 1 columns where the header has 11"):
        parse(text.encode(encoding))
    assert [item.text for item in parse(end.join(lines[:3]).encode(encoding))] == ["One, two"]
    with pytest.raises(Invalid, match="line 2: the header is"):
        parse(f"{first}{end}a{delimiter}b{end}".encode(encoding))


def test_chapter_marks_and_flags_come_from_notes_and_tags() -> None:
    rows = "One,T,A,,.h1,,,,,,\nTwo,T,A,,,,H2,,,,\nThree,T,A,,,,.favorite,,,,\nFour,T,A,,.discard,,,,,,\nFive,T,A,,.idea,,,,,,\n"
    one, two, three, four, five = parse(f"{NEW}\n{rows}")
    assert (one.heading_level, one.annotation) == (1, "")
    assert (two.heading_level, two.tags) == (2, ())
    assert three.is_favorite
    assert four.is_discard
    assert (five.annotation, five.tags) == ("", ("idea",))


def test_odd_values_are_warnings_not_errors() -> None:
    rows = ["A,T,,,,,,page,ix,,", "B,T,,,,,,page,12-14,yesterday,", ",T,,,,,,,,,", f"C,T,,,,,,page,{9:099d},2024-99-01 00:00:00+00:00,"]
    export = read_csv(Document("x.csv", "\n".join([NEW, *rows]).encode()))
    (source,) = export.sources()
    assert [item.location for item in source.highlights if item.text] == [None, 12, None]
    assert [int(warning.split(":")[0].removeprefix("x.csv, line ")) for warning in export.warnings] == [2, 3, 4, 5, 5]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Quote,Who\nText,T\n", ["line 1", "'Quote,Who'", "Highlight,Book Title"]),
        (f"{NEW}\nA,T,,,,,,,,,\nB,T\n", ["line 3", "2 columns", "11"]),
        (f"{NEW}\nA,T,,,,,,,,,,extra\n", ["line 2", "12 columns", "11"]),
        (f'{NEW}\nA,T,,,,,,,,,\n"B is never closed,T,,,,,,,,,\nC,T,,,,,,,,,\n', ["line 3", "never closed"]),
        (f'{NEW}\n"A\nB,T,,,,,,,,,\n"C, with",T,,,,,,,,,\n', ["line 2", "closes in line 4"]),
        (f'{NEW}\nA,T,,"x" y,,,,,,,\n', ["line 2", "Expected a comma"]),
        (f"{NEW},Note\n", ["line 1", "twice"]),
    ],
)
def test_broken_files_are_refused_with_the_line(library: Library, tmp_path: Path, body: str, expected: list[str]) -> None:
    path = tmp_path / "export.csv"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(Invalid) as caught:
        import_readwise(library, path=path)
    assert caught.value.message.startswith("export.csv, line ")
    for words in expected:
        assert words in caught.value.message
    assert caught.value.hint
    assert library.sources.all() == []


def test_a_highlight_as_long_as_an_article_is_read() -> None:
    text = "word " * 40_000
    [source] = read_csv(Document("a.csv", f'Highlight,Book Title\n"{text}",Long\nshort,Long\n'.encode())).sources()
    assert [item.text for item in source.highlights] == [text.strip(), "short"]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parse(f"{NEW}\nA\nB,T,,,,,,,,,\nC,D\n")
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["x.csv, line 2", "x.csv, line 4"]


cell = st.text(alphabet=string.ascii_letters + ' ",\n;“é', max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(cell.filter(str.strip), cell), max_size=8))
def test_what_csv_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Highlight", "Note"])
    writer.writerows(rows)
    assert [item.text for item in parse(out.getvalue())] == [text.strip() for text, _ in rows]


@settings(max_examples=150)
@given(st.text(alphabet='ab",\n\r;', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    message = ""
    try:
        parse(f"Highlight,Note\n{text}")
    except Invalid as error:
        message = error.message
    assert not message or message.startswith("x.csv, line ")


def test_a_csv_without_tags_takes_none_away(library: Library, tmp_path: Path) -> None:
    (tmp_path / "full.csv").write_text('Highlight,Book Title,Note,Tags\nWords here,Book,Remark,"a, b"\n')
    (tmp_path / "bare.csv").write_text("Highlight,Book Title,Note\nWords here,Book,Remark\n")
    import_readwise(library, path=tmp_path / "full.csv")
    assert not import_readwise(library, path=tmp_path / "bare.csv").changed
    (source,) = library.sources.all()
    assert library.sources.highlights(source.id)[0].tags == ("a", "b")


TEXTS = tuple(f"What was marked as number {word}." for word in ("one", "two", "three", "four", "five", "six", "seven"))


def rows_of(title: str, *, asin: str = "B0BOOK", texts: tuple[str, ...] = TEXTS, author: str = "Ada") -> list[list[str]]:
    return [
        [text, title, author, asin, "", "", "", "page", str(TEXTS.index(text) + 1), f"2024-01-0{TEXTS.index(text) + 1} 10:00:00+00:00", ""]
        for text in texts
    ]


def imported(library: Library, folder: Path, rows: list[list[str]], header: tuple[str, ...] = HEADER) -> ImportReport:
    with (folder / "export.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(header), *rows])
    return import_readwise(library, path=folder / "export.csv")


def held(library: Library) -> dict[str, int]:
    return {source.title: len(library.sources.highlights(source.id)) for source in library.sources.all()}


def test_an_empty_title_never_replaces_a_known_one(library: Library, tmp_path: Path) -> None:
    imported(library, tmp_path, rows_of("Low Water"))
    report = imported(library, tmp_path, rows_of("Low Water", texts=TEXTS[:6]) + rows_of("", texts=TEXTS[6:]))
    assert not report.changed
    (warning,) = report.warnings
    assert warning.startswith("export.csv, line 8: no title in the Book Title column")
    report = imported(library, tmp_path, rows_of("  "))
    assert (report.changed, held(library)) == (False, {"Low Water": 7})


def test_rows_of_one_book_share_the_title_that_most_of_them_have(library: Library, tmp_path: Path) -> None:
    rows = rows_of("Low Water", texts=TEXTS[:4]) + rows_of("Lo Water", texts=TEXTS[4:6], author="") + rows_of("", texts=TEXTS[6:])
    report = imported(library, tmp_path, rows)
    assert [(source.title, source.author) for source in library.sources.all()] == [("Low Water", "Ada")]
    assert held(library) == {"Low Water": 7}
    assert [warning.split(":")[0] for warning in report.warnings] == ["export.csv, line 8", "export.csv, line 6"]
    assert not imported(library, tmp_path, rows).changed


def test_a_row_with_neither_title_nor_id_goes_where_its_words_are(library: Library, tmp_path: Path) -> None:
    imported(library, tmp_path, rows_of("Low Water", asin="") + rows_of("High Water", asin="", texts=(), author="Bo"))
    for rows in (
        rows_of("Low Water", asin="", texts=TEXTS[:6]) + rows_of("", asin="", texts=TEXTS[6:]),
        rows_of("", asin="", texts=TEXTS[:1]) + rows_of("Low Water", asin="", texts=TEXTS[1:]),
        rows_of("", asin="", texts=TEXTS[:2]),  # it names no book, so it is not all of one
    ):
        report = imported(library, tmp_path, rows)
        assert (report.added, report.removed, held(library)) == (0, 0, {"Low Water": 7})
    new = [["Words that nobody knows.", "", "", *[""] * 8]]
    assert imported(library, tmp_path, new).added == 1
    assert not imported(library, tmp_path, new).changed
    assert held(library) == {"Low Water": 7, "Untitled": 1}


def test_without_the_column_of_titles_known_books_keep_theirs(library: Library, tmp_path: Path) -> None:
    rows = [[text, *rest] for text, _, *rest in rows_of("")]
    header = (HEADER[0], *HEADER[2:])
    imported(library, tmp_path, rows_of("Low Water"))
    report = imported(library, tmp_path, [*rows, ["Of another book.", "", "B0OTHER", *[""] * 7]], header)
    assert held(library) == {"Low Water": 7, "export": 1}
    (warning,) = report.warnings
    assert warning.startswith("export.csv, line 1: no Book Title column")


@pytest.mark.parametrize("blank", [["page", "7", "2024-01-07 10:00:00+00:00"], ["page", "7", ""], ["", "", ""]])
def test_a_row_without_text_removes_nothing(library: Library, tmp_path: Path, blank: list[str]) -> None:
    imported(library, tmp_path, rows_of("Low Water"))
    rows = [*rows_of("Low Water", texts=TEXTS[:6]), [" ", "Low Water", "Ada", "B0BOOK", "", "", "", *blank, ""]]
    report = imported(library, tmp_path, rows)
    assert (report.changed, held(library)) == (False, {"Low Water": 7})
    assert "line 8: no text in the Highlight column" in report.warnings[0]
    assert imported(library, tmp_path, rows_of("Low Water", texts=TEXTS[:6])).removed == 1  # gone from the file is gone
    assert imported(library, tmp_path, rows[-1:]).changed is False  # a file of nothing else is about no book


def test_a_file_that_lacks_most_of_a_book_says_so_and_a_whole_one_brings_it_back(library: Library, tmp_path: Path) -> None:
    imported(library, tmp_path, rows_of("Low Water"))
    report = imported(library, tmp_path, rows_of("Low Water", texts=TEXTS[:2]))
    assert report.removed == 5
    assert report.warnings[0].startswith("Low Water: 5 of its 7 highlights are not in this import")
    report = imported(library, tmp_path, rows_of("Low Water"))
    assert (report.added, report.updated, report.warnings, held(library)) == (0, 5, (), {"Low Water": 7})


def test_chapter_marks_are_counted_apart_as_everywhere(library: Library, tmp_path: Path) -> None:
    texts = rows_of("Low Water")
    marks = [[f"Chapter {number}", "Low Water", "Ada", "B0BOOK", ".h1", "", "", "page", str(number), "", ""] for number in (1, 3)]
    report = imported(library, tmp_path, [*marks, *texts])
    assert (report.added, report.marks_changed) == (held(library)["Low Water"], 2) == (7, 2)
    report = imported(library, tmp_path, [*marks, *texts])
    assert (report.changed, report.unchanged) == (False, 7)
    report = imported(library, tmp_path, [marks[0], *texts[:-1]])
    assert (report.removed, report.marks_changed, held(library)) == (1, 1, {"Low Water": 6})
    assert report.updated + report.unchanged == 6
    report = imported(library, tmp_path, [*marks, *texts[:-1]])
    assert (report.added, report.removed, report.marks_changed) == (0, 0, 1)
    assert report.changed


KINDS = """Highlight,Book Title,Book Author,Amazon Book ID,Note,Location Type,Location
A short post,Tweets From Some Guy,@guy on Twitter,,,none,0
Another post,Tweets From Somebody,Some Body on X,,,none,0
A sentence of the web,A web article,blog.example,,,none,0
A page of a book,Paper Book,Ann Author,,,page,12
A sentence in a book,Kindle Book,Ann Author,B01,,none,0
Somewhere in a book,A book on X,Ann Author,,,,
Chapter One,Typed Book,Ann Author,,.h1,none,0
A sentence that was typed in,Typed Book,Ann Author,,,none,0
"""


def test_posts_and_pages_of_the_web_are_no_books_and_the_api_knows_better(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(KINDS, encoding="utf-8")
    import_readwise(library, path=path)
    kinds = {"Tweets From Some Guy": "tweet", "Tweets From Somebody": "tweet", "A web article": "article", "Paper Book": "book",
             "Kindle Book": "book", "A book on X": "book", "Typed Book": "book"}  # fmt: skip
    assert {source.title: source.kind for source in library.sources.all()} == kinds
    text = {"id": 7, "text": "A sentence of the web", "location": 0, "location_type": "none", "note": None, "tags": []}
    post = {**text, "id": 8, "text": "A short post"}
    books = [
        {"user_book_id": 1, "title": "A web article", "author": "blog.example", "category": "books", "highlights": [text]},
        {"user_book_id": 2, "title": "Tweets From Some Guy", "author": "@guy on Twitter", "category": "tweets", "highlights": [post]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(books), encoding="utf-8")
    report = import_readwise(library, path=tmp_path / "a.json")
    assert (report.added, report.sources_added) == (0, 0)
    assert {source.title: source.kind for source in library.sources.all()} == {**kinds, "A web article": "book"}
    assert not import_readwise(library, path=path).changed


@pytest.mark.parametrize("markdown_first", [True, False])
def test_a_category_of_markdown_counts_for_more_than_what_a_csv_guesses(library: Library, tmp_path: Path, markdown_first: bool) -> None:
    texts = ("A sentence that is long enough to be known", "Another one of the very same source")
    rows = "".join(f"{text},Typed Book,Ann Author,,,none,0\n" for text in texts)
    (tmp_path / "a.csv").write_text(f"{KINDS.partition(chr(10))[0]}\n{rows}", encoding="utf-8")
    head = "# Typed Book\n\n## Metadata\n- Author: Ann Author\n- Full Title: Typed Book\n- Category: #books\n\n## Highlights\n"
    (tmp_path / "T.md").write_text(head + "".join(f"- {text}\n" for text in texts), encoding="utf-8")
    for name in ("T.md", "a.csv", "T.md", "a.csv") if markdown_first else ("a.csv", "T.md", "a.csv", "T.md"):
        import_readwise(library, path=tmp_path / name)
        [source] = library.sources.all()
        assert source.kind == ("article" if not markdown_first and not (tmp_path / "seen").exists() else "book")
        (tmp_path / "seen").touch()
    assert not import_readwise(library, path=tmp_path / "a.csv").sources_updated


def test_an_address_alone_makes_no_article_of_a_post(library: Library, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(KINDS, encoding="utf-8")
    import_readwise(library, path=tmp_path / "a.csv")
    (tmp_path / "T.md").write_text(
        "# Tweets From Some Guy\n\n## Metadata\n- Author: @guy on Twitter\n- URL: https://x.example\n## Highlights\n- A short post\n",
        encoding="utf-8",
    )
    import_readwise(library, path=tmp_path / "T.md")
    assert {source.kind for source in library.sources.all() if source.title == "Tweets From Some Guy"} == {"tweet"}


@pytest.mark.parametrize("kind", ["books", "articles", "podcasts", "supplementals"])
def test_a_source_that_the_api_told_of_stays_what_it_is(library: Library, tmp_path: Path, kind: str) -> None:
    texts = ("A sentence that is long enough to be known", "Another one of the very same source")
    items = [
        {"id": number, "text": text, "location": 0, "location_type": "none", "note": "", "tags": []} for number, text in enumerate(texts, 1)
    ]
    told = [{"user_book_id": 7, "title": "Typed Book", "author": "Ann Author", "category": kind, "highlights": items}]
    (tmp_path / "a.json").write_text(json.dumps(told), encoding="utf-8")
    import_readwise(library, path=tmp_path / "a.json")
    [before] = library.sources.all()
    rows = "".join(f"{text},Typed Book,Ann Author,,,,,none,0,,\n" for text in texts)
    (tmp_path / "a.csv").write_text(f"{','.join(HEADER)}\n{rows}", encoding="utf-8")
    report = import_readwise(library, path=tmp_path / "a.csv")
    assert (report.sources_added, report.added, report.removed) == (0, 0, 0)
    [after] = library.sources.all()
    assert (after.id, after.kind) == (before.id, kind.removesuffix("s"))
