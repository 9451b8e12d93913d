"""Merging imports: identity across exporters, edits, deletions, re-tags, chapters, order, and that nothing changes twice."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notewright.errors import NotFound
from notewright.library import Library, alike
from notewright.library.sources import HIGHLIGHT_FIELDS, SOURCE_FIELDS
from notewright.records import Highlight, ImportReport, Source

CSV = tuple(name for name in HIGHLIGHT_FIELDS if name not in ("url", "updated_at", "is_favorite", "is_discard", "chapter"))
MARKDOWN = ("text", "annotation", "tags", "location", "location_type", "heading_level", "url")


def mark(text: str, number: int | None = None, **more: Any) -> Highlight:
    return Highlight(text=text, outside_ids=(f"readwise:{number}",) if number else (), **more)


def put(library: Library, *sources: Source, origin: str = "api", complete: bool = True) -> ImportReport:
    carries = {"csv": CSV, "markdown": MARKDOWN}.get(origin, HIGHLIGHT_FIELDS)
    fields = SOURCE_FIELDS if origin == "api" else ("title", "author", "tags", "asin", "url")
    return library.sources.upsert(sources, origin=origin, complete=complete, carries=carries, source_carries=fields)


def book(*highlights: Highlight, title: str = "A Book", author: str = "Ann", ids: tuple[str, ...] = (), **more: Any) -> Source:
    return Source(title=title, author=author, outside_ids=ids, highlights=highlights, **more)


def texts(library: Library, source_id: str = "") -> list[str]:
    source_id = source_id or library.sources.all()[0].id
    return [item.text for item in library.sources.highlights(source_id)]


def test_importing_twice_changes_nothing(library: Library) -> None:
    given_book = book(mark("One", 1, tags=("a",), location=1), mark("Two", 2, location=2), ids=("readwise:9",))
    assert put(library, given_book).added == 2
    report = put(library, given_book)
    assert not report.changed
    assert report.unchanged == 2


def test_the_csv_row_keeps_its_id_when_the_api_names_it(library: Library) -> None:
    put(library, book(mark("Some *words*", location=3)), origin="csv")
    (before,) = library.sources.highlights(library.sources.all()[0].id)
    report = put(library, book(mark("Some words", 7, location=3, url="https://x"), ids=("readwise:1",)))
    assert (report.sources_added, report.added, report.updated) == (0, 0, 1)
    after = library.sources.highlight(before.id)
    assert (after.outside_ids, after.url, after.text) == (("readwise:7",), "https://x", "Some words")
    assert library.sources.highlights(after.source_id) == [after]
    assert not put(library, book(mark("Some *words*", location=3)), origin="csv").changed


def test_an_edit_without_an_id_is_known_by_its_place_and_time(library: Library) -> None:
    at = "2024-01-01T00:00:00+00:00"
    put(library, book(mark("Old words", location=3, highlighted_at=at)), origin="csv")
    report = put(library, book(mark("Quite different", location=3, highlighted_at=at)), origin="csv")
    assert (report.added, report.updated, report.removed) == (0, 1, 0)


def test_an_edit_without_id_or_time_is_known_by_likeness(library: Library) -> None:
    put(library, book(mark("The quick brown fox jumps", location=3), mark("Another one", location=3)), origin="markdown")
    report = put(library, book(mark("The quick brown cat jumps", location=3), mark("Another one", location=3)), origin="markdown")
    assert (report.added, report.updated, report.removed) == (0, 1, 0)


def test_texts_with_little_in_common_are_not_compared_letter_by_letter(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    matcher = alike.SequenceMatcher

    def noting(*, a: str, b: str, autojunk: bool) -> Any:
        compared.append((a, b))
        return matcher(a=a, b=b, autojunk=autojunk)

    monkeypatch.setattr(alike, "SequenceMatcher", noting)
    words = ["rivers", "mills", "weirs", "otters", "eels", "moss", "bread", "looms", "bells", "moths", "peat", "maps", "salt", "tides"]
    before = [mark(" ".join(random.Random(number).choices(words, k=40))) for number in range(10)]
    after = [mark(" ".join(random.Random(number + 10).choices(words, k=40))) for number in range(9)] + [mark(before[3].text + " indeed")]
    put(library, book(*before), origin="csv")
    report = put(library, book(*after), origin="csv")
    assert (report.added, report.updated, report.removed) == (9, 1, 9)
    assert compared == [(after[9].text, before[3].text)]


def test_vanished_from_a_csv_is_removed_and_comes_back(library: Library) -> None:
    both, one = book(mark("One"), mark("Two")), book(mark("One"))
    put(library, both, origin="csv")
    assert put(library, one, origin="csv").removed == 1
    assert texts(library) == ["One"]
    assert not put(library, one, origin="csv").changed
    assert put(library, both, origin="csv").updated == 1
    assert texts(library) == ["One", "Two"]


def test_vanished_from_a_csv_stays_when_the_api_has_it(library: Library) -> None:
    put(library, book(mark("One", 1), mark("Two", 2), ids=("readwise:1",)))
    put(library, book(mark("One"), mark("Two")), origin="csv")
    assert put(library, book(mark("One")), origin="csv").removed == 0


def test_an_old_csv_does_not_undo_a_deletion(library: Library) -> None:
    put(library, book(mark("One", 1), ids=("readwise:1",)))
    assert put(library, book(mark("One", 1, is_deleted=True), ids=("readwise:1",))).removed == 1
    put(library, book(mark("One")), origin="csv")
    assert texts(library) == []
    assert put(library, book(mark("One", 1), ids=("readwise:1",))).updated == 1
    assert texts(library) == ["One"]


def test_a_deleted_source_takes_its_highlights_along(library: Library) -> None:
    put(library, book(mark("One", 1), ids=("readwise:1",)))
    report = put(library, book(ids=("readwise:1",), is_deleted=True))
    assert (report.sources_updated, report.removed) == (1, 1)
    assert library.sources.all() == []
    assert not put(library, book(ids=("readwise:1",), is_deleted=True)).changed


def test_an_old_csv_does_not_bring_a_deleted_source_back(library: Library) -> None:
    put(library, book(mark("One", 1), mark("Two", 2), ids=("readwise:5",)))
    csv = book(mark("One"), mark("Two"))
    put(library, csv, origin="csv")
    put(library, book(mark("One", 1, is_deleted=True), mark("Two", 2, is_deleted=True), ids=("readwise:5",), is_deleted=True))
    assert library.sources.all() == []
    for _ in range(2):
        assert not put(library, csv, origin="csv").changed
        assert library.sources.all() == []
    assert put(library, book(mark("One"), mark("Three")), origin="csv").sources_updated == 1
    assert texts(library) == ["Three"]  # Readwise has never known it
    put(library, book(mark("One", 1), ids=("readwise:5",)))
    assert set(texts(library)) == {"One", "Three"}


def test_what_arrives_deleted_is_not_counted(library: Library) -> None:
    report = put(library, book(mark("One", 1, is_deleted=True), ids=("readwise:1",)))
    assert (report.added, report.unchanged) == (0, 0)
    assert not put(library, book(mark("One", 1, is_deleted=True), ids=("readwise:1",))).changed


def test_retagging_and_clearing_arrive(library: Library) -> None:
    put(library, book(mark("One", 1, tags=("a",), annotation="x"), ids=("readwise:1",), tags=("doc",)))
    report = put(library, book(mark("One", 1), ids=("readwise:1",)))
    assert (report.updated, report.sources_updated) == (1, 1)
    (found,) = library.sources.highlights(library.sources.all()[0].id)
    assert (found.tags, found.annotation) == ((), "")


def test_a_template_that_shows_less_erases_nothing(library: Library) -> None:
    put(library, book(mark("One", 1, tags=("Deep Work",), annotation="Mine\n\nand more", heading_level=1), ids=("readwise:1",)))
    assert put(library, book(mark("One")), origin="markdown").updated == 0
    put(library, book(mark("One", tags=("deep-work",), annotation="Mine and more")), origin="markdown")
    (found,) = library.sources.highlights(library.sources.all()[0].id, marks=True)
    assert (found.tags, found.annotation, found.heading_level) == (("Deep Work",), "Mine\n\nand more", 1)


def test_formatting_of_the_better_exporter_wins(library: Library) -> None:
    put(library, book(mark("One  two")), origin="markdown")
    put(library, book(mark("One\n\n**two**", 1), ids=("readwise:1",)))
    assert texts(library) == ["One\n\n**two**"]
    assert not put(library, book(mark("One  two")), origin="csv").updated
    assert put(library, book(mark("One\n\n*two*", 1), ids=("readwise:1",))).updated == 1


def test_two_books_of_one_title_stay_two(library: Library) -> None:
    first = book(mark("One", 1), ids=("readwise:1",))
    second = book(mark("Two", 2), ids=("readwise:2",))
    assert put(library, first, second).sources_added == 2
    assert not put(library, second, first).changed


def test_a_csv_that_joined_two_articles_is_taken_apart_by_the_api(library: Library) -> None:
    merged = book(mark("One"), mark("Two"), mark("Three"))
    put(library, merged, origin="csv")
    first, second = book(mark("One", 1), ids=("readwise:1",)), book(mark("Two", 2), mark("Three", 3), ids=("readwise:2",))
    report = put(library, first, second)
    assert (report.sources_added, report.added, report.removed) == (1, 0, 0)
    assert sorted(len(texts(library, source.id)) for source in library.sources.all()) == [1, 2]
    assert put(library, merged, origin="csv").added == 0
    assert not put(library, first, second).changed


def test_the_same_link_saved_twice_stays_two_sources(library: Library) -> None:
    ids = ("url:https://x.example/a",)
    first, second = book(mark("One", 1), ids=("readwise:1", *ids)), book(mark("Two", 2), title="Other", ids=("readwise:2", *ids))
    assert put(library, first, second).sources_added == 2
    assert not put(library, first, second).changed


def test_a_moved_highlight_keeps_its_row(library: Library) -> None:
    old, new = book(mark("One", 1), mark("Two", 2), ids=("readwise:1",)), book(mark("Two", 2), title="Merged", ids=("readwise:8",))
    put(library, old)
    put(library, book(mark("One", 1), ids=("readwise:1",)), new)
    assert [texts(library, source.id) for source in library.sources.all()] == [["One"], ["Two"]]
    assert not put(library, book(mark("One", 1), ids=("readwise:1",)), new).changed


@pytest.mark.parametrize(("title", "author"), [("A Book: With a Subtitle", "Ann"), ("A Book", "Ann and Bob"), ("A Book (Series, 1)", "")])
def test_a_source_under_another_title_is_known_by_its_words(library: Library, title: str, author: str) -> None:
    put(library, book(mark("One is here", 1), mark("Two is there", 2), ids=("readwise:1",)))
    report = put(library, book(mark("One is here"), mark("Two is there"), title=title, author=author), origin="csv")
    assert (report.sources_added, report.added) == (0, 0)


def test_other_books_are_not_swallowed(library: Library) -> None:
    put(library, book(mark("One"), mark("Introduction"), title="First Steps"), origin="csv")
    report = put(library, book(mark("Introduction"), mark("Else"), title="Second Wind"), origin="csv")
    assert (report.sources_added, report.added) == (1, 2)


def test_one_source_given_twice_in_an_import_loses_nothing(library: Library) -> None:
    put(library, book(mark("One")), book(mark("Two")), origin="csv")
    assert texts(library) == ["One", "Two"]
    assert put(library, book(mark("One")), book(mark("Two")), origin="csv").removed == 0


def test_repeated_words_are_matched_by_place(library: Library) -> None:
    rows = [mark("Same", location=place, annotation=str(place)) for place in (1, 5, 9)]
    put(library, book(*rows), origin="csv")
    put(library, book(*rows[1:]), origin="csv")
    found = library.sources.highlights(library.sources.all()[0].id)
    assert [(item.location, item.annotation) for item in found] == [(5, "5"), (9, "9")]


def test_chapters_follow_the_marks_and_their_removal(library: Library) -> None:
    page = {"location_type": "page"}
    one, two = mark("Chapter", 1, location=1, heading_level=1, **page), mark("Words", 2, location=2, **page)
    put(library, book(one, two, ids=("readwise:1",)))
    assert library.sources.highlight("readwise:2").chapter == "Chapter"
    put(library, book(replace(one, heading_level=0), two, ids=("readwise:1",)))
    assert library.sources.highlight("readwise:2").chapter == ""


def test_late_additions_find_their_chapter(library: Library) -> None:
    page = {"location_type": "page"}
    put(
        library,
        book(
            mark("I", heading_level=1), mark("a", location=10, **page), mark("II", heading_level=1), mark("b", location=50, **page),
            mark("late", location=15, **page),
        ),
        origin="markdown",
    )  # fmt: skip
    found = library.sources.highlights(library.sources.all()[0].id)
    assert [(item.text, item.chapter) for item in found] == [("a", "I"), ("late", "I"), ("b", "II")]


def test_flags_of_a_csv_are_kept_until_the_api_speaks(library: Library) -> None:
    put(library, book(mark("One")), origin="csv")
    put(library, book(mark("One", is_favorite=True)), origin="csv")
    assert library.sources.highlights(library.sources.all()[0].id)[0].is_favorite
    put(library, book(mark("One", 1), ids=("readwise:1",)))
    put(library, book(mark("One", is_favorite=True)), origin="csv")
    assert not library.sources.highlights(library.sources.all()[0].id)[0].is_favorite


def test_a_failing_import_leaves_nothing(library: Library) -> None:
    def broken() -> Any:
        yield book(mark("One"))
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        library.sources.upsert(broken(), origin="csv", complete=True)
    assert library.sources.all() == []


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("Sounding Lines", "Did you mean: Soundings?"),
        ("how to make freinds", "Did you mean: How to Make Friends as an Adult (In Your 20s and 30s)?"),
        ("SLOW RVIER", "Did you mean: The Slow River?"),
        ("It's", "Did you mean: It?"),
        ("Something else", "List them with: notewright sources"),
    ],
)
def test_find_says_what_is_near(library: Library, asked: str, hint: str) -> None:
    titles = ("The Slow River", "Soundings", "It", "How to Make Friends as an Adult (In Your 20s and 30s)")
    put(library, *(book(mark(title), title=title) for title in titles), origin="csv")
    assert library.sources.find("slow").title == "The Slow River"
    with pytest.raises(NotFound) as caught:
        library.sources.find(asked)
    assert caught.value.hint == hint


def test_the_same_words_four_times_stay_four_settled_rows(library: Library) -> None:
    rows = [
        Highlight(text="one", heading_level=1),
        Highlight(text="one", location=2),
        Highlight(text="one", heading_level=1, highlighted_at="2024-01-01T00:00:00+00:00"),
        Highlight(text="one", location=1),
    ]
    report = put(library, book(*rows), origin="csv")
    assert (report.added, report.marks_changed) == (2, 2)
    assert not put(library, book(*rows), origin="csv").changed


def test_what_comes_back_forgets_the_chapter_of_a_mark_that_comes_back_with_it(library: Library) -> None:
    def version(*rows: tuple[str, int | None, int]) -> Source:
        return book(*(Highlight(text=text, location=location, heading_level=level) for text, location, level in rows))

    put(library, version(("one", None, 0), ("two", None, 1), ("one", None, 0), ("one", None, 0)), origin="csv")
    put(library, version(("one", None, 0), ("two", None, 0)), origin="csv")
    last = version(("one", None, 1), ("two", 2, 1), ("one", 1, 0))
    assert put(library, last, origin="csv").changed
    assert not put(library, last, origin="csv").changed


words = st.sampled_from(["one", "two", "three", "four", "one two", "**one** two"])
row = st.builds(
    Highlight, text=words, annotation=st.sampled_from(["", "n"]), location=st.sampled_from([None, 1, 2]),
    heading_level=st.sampled_from([0, 0, 1]), highlighted_at=st.sampled_from(["", "2024-01-01T00:00:00+00:00"]),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.lists(row, max_size=6), min_size=1, max_size=4))
def test_any_import_repeated_changes_nothing(tmp_path_factory: pytest.TempPathFactory, versions: list[list[Highlight]]) -> None:
    with Library.create(tmp_path_factory.mktemp("home")) as library:
        for highlights in versions:
            put(library, book(*highlights), origin="csv")
            report = put(library, book(*highlights), origin="csv")
            assert not report.changed
            live = library.sources.highlights(library.sources.all()[0].id, marks=True)
            assert sorted(item.text.replace("*", "") for item in live) == sorted(item.text.replace("*", "") for item in highlights)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(row, max_size=5), st.permutations(["csv", "api", "markdown"]), st.booleans())
def test_exporters_that_agree_leave_each_other_alone(
    tmp_path_factory: pytest.TempPathFactory, highlights: list[Highlight], order: list[str], placed: bool
) -> None:
    """The same highlights through three exporters, each with what it can express, in any order: one set, settled after one round."""
    kind = "page" if placed else ""
    highlights = [replace(item, location=index if placed else None, location_type=kind) for index, item in enumerate(highlights)]
    forms = {
        "csv": book(*highlights),
        "api": book(*(replace(item, outside_ids=(f"readwise:{index}",)) for index, item in enumerate(highlights, 1)), ids=("readwise:1",)),
        "markdown": book(*(replace(item, highlighted_at="", text=item.text.replace("*", "")) for item in highlights)),
    }
    with Library.create(tmp_path_factory.mktemp("home")) as library:
        reports = [put(library, forms[origin], origin=origin) for origin in order]
        marks = sum(bool(item.heading_level) for item in highlights)
        assert [report.added for report in reports] == [len(highlights) - marks, 0, 0]
        assert reports[0].marks_changed == marks
        assert not any(report.removed for report in reports)
        again = [put(library, forms[origin], origin=origin) for origin in order]
        assert not any(report.changed for report in again), again
