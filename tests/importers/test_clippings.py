"""Kindle's My Clippings.txt in several languages, with notes, edits and bookmarks."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.errors import Invalid
from notewright.importers import clippings, import_clippings, import_readwise
from notewright.importers.clippings import read_clippings
from notewright.importers.reading import Document
from notewright.library import Library
from notewright.records import Highlight
from notewright.text import normalise


def record(meta: str, text: str = "Some words here.", title: str = "Deep Work (Newport, Cal)") -> str:
    return f"{title}\r\n- {meta}\r\n\r\n{text}\r\n==========\r\n"


def parse(text: str) -> tuple[Highlight, ...]:
    sources, _ = read_clippings(Document("c.txt", ("\ufeff" + text).encode()))
    return tuple(highlight for source in sources for highlight in source.highlights)


@pytest.mark.parametrize(
    "meta",
    [
        "Your Highlight on page 12 | Location 145-147 | Added on Monday, 5 October 2020 10:15:30",
        "Your Highlight on page 12 | Location 145-147 | Added on Monday, October 5, 2020 10:15:30 AM",
        "Highlight on Page 12 | Loc. 145-47  | Added on Monday, October 05, 2020, 10:15:30 AM",
        "Ihre Markierung auf Seite 12 | bei Position 145-147 | Hinzugefügt am Montag, 5. Oktober 2020 10:15:30",
        "Votre surlignement sur la page 12 | emplacement 145-147 | Ajouté le lundi 5 octobre 2020 10:15:30",
        "Tu subrayado en la página 12 | posición 145-147 | Añadido el lunes, 5 de octubre de 2020 10:15:30",
        "La tua evidenziazione a pagina 12 | posizione 145-147 | Aggiunto in data lunedì 5 ottobre 2020 10:15:30",
        "Seu destaque na página 12 | posição 145-147 | Adicionado: segunda-feira, 5 de outubro de 2020 10:15:30",
        "您在第 12 页（位置 #145-147）的标注 | 添加于 2020年10月5日星期一 上午10:15:30",
        "12ページ|位置No. 145-147のハイライト |作成日: 2020年10月5日月曜日 10:15:30",
        "Je highlight op pagina 12 | locatie 145 t/m 147 | Toegevoegd op maandag 5 oktober 2020 10:15:30",
        "Ваш выделенный отрывок на странице 12 | Место 145–147 | Добавлено: понедельник, 5 октября 2020 г. в 10:15:30",
        "Ваш выделенный отрывок в месте 145–147 | Добавлено: понедельник, 5 октября 2020 г. в 10:15:30",
    ],
)
def test_headers_in_many_languages(meta: str) -> None:
    (found,) = parse(record(meta))
    assert (found.location, found.location_type, found.highlighted_at) == (145, "location", "2020-10-05T10:15:30+00:00")


@pytest.mark.parametrize(
    ("highlight", "note", "bookmark"),
    [
        ("Your Highlight at location 10-12 | x", "Your Note at location 12 | x", "Your Bookmark at location 12 | x"),
        ("Ihre Markierung bei Position 10-12 | x", "Ihre Notiz bei Position 12 | x", "Ihr Lesezeichen bei Position 12 | x"),
        ("Votre surlignement à l’emplacement 10-12 | x", "Votre note à l’emplacement 12 | x", "Votre signet à l’emplacement 12 | x"),
        ("Tu subrayado en la posición 10-12 | x", "Tu nota en la posición 12 | x", "Tu marcador en la posición 12 | x"),
        ("La tua evidenziazione alla posizione 10-12 | x", "La tua nota alla posizione 12 | x", "Il tuo segnalibro alla posizione 12 | x"),
        ("Seu destaque na posição 10-12 | x", "Sua nota na posição 12 | x", "Seu marcador na posição 12 | x"),
        ("您在位置 #10-12的标注 | x", "您在位置 #12的笔记 | x", "您在位置 #12的书签 | x"),
        ("位置No. 10-12のハイライト |x", "位置No. 12のメモ |x", "位置No. 12のブックマーク |x"),
        ("Je highlight op locatie 10 t/m 12 | x", "Je notitie op locatie 12 | x", "Je bladwijzer op locatie 12 | x"),
        ("Ваш выделенный отрывок в месте 10–12 | x", "Ваша заметка в месте 12 | x", "Ваша закладка в месте 12 | x"),
    ],
)
def test_notes_join_their_highlight_and_bookmarks_vanish(highlight: str, note: str, bookmark: str) -> None:
    (found,) = parse(record(note, "My remark") + record(highlight) + record(bookmark, ""))
    assert (found.text, found.annotation, found.location) == ("Some words here.", "My remark", 10)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Deep Work (Newport, Cal)", ("Deep Work", "Cal Newport")),
        ("Dune (Dune Chronicles, Book 1) (Frank Herbert)", ("Dune (Dune Chronicles, Book 1)", "Frank Herbert")),
        ("Delivery (Humble, Jez;Farley, David)", ("Delivery", "Jez Humble, David Farley")),
        ("Odd (A (B))", ("Odd", "A (B)")),
        ("Title - Author", ("Title", "Author")),
        ("my document", ("my document", "")),
    ],
)
def test_titles_and_authors(title: str, expected: tuple[str, str]) -> None:
    sources, _ = read_clippings(Document("c.txt", record("Your Highlight on page 1 | x", title=title).encode()))
    assert (sources[0].title, sources[0].author) == expected


def test_edits_collapse_to_the_last() -> None:
    first = record("Your Highlight at location 10-11 | Added on Monday, 5 October 2020 10:00:00", "the first part of a")
    longer = record("Your Highlight at location 10-12 | Added on Monday, 5 October 2020 10:01:00", "the first part of a whole sentence")
    other = record("Your Highlight at location 12-13 | Added on Monday, 5 October 2020 10:02:00", "Something else entirely, really.")
    found = [item.text for item in parse(first + longer + other)]
    assert found == ["the first part of a whole sentence", "Something else entirely, really."]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("The cat sat on the mat; artists of its own kind", "art", 2),  # not even a word of it
        ("The cat sat on the mat, an artist of its own kind indeed", "artist", 2),
        ("The cat sat on the mat, an artist of its own kind indeed", "artist of its own", 2),
        ("The cat sat on the mat, an artist of its own kind indeed", "on the mat, an artist of its own kind", 1),
        ("长城是世界上最伟大的建筑之一", "世界上最伟大的建筑", 1),
        ("长城是世界上最伟大的建筑之一", "长城", 2),
    ],
)
def test_a_few_words_on_the_same_page_replace_no_long_highlight(first: str, second: str, expected: int) -> None:
    place = "Your Highlight on page 10 | Added on Monday, October 5, 2020 10:{}:30 PM"
    text = record(place.format(15), first) + record(place.format(19), second)
    ((source,), warnings) = read_clippings(Document("c.txt", text.encode()))
    assert [item.text for item in source.highlights] == [first, second][-expected:]
    assert len(warnings) == (expected == 1)
    assert all("line 1: " in warning and "what line 6 has" in warning for warning in warnings)


def test_a_highlight_that_grew_is_replaced_without_a_word() -> None:
    text = record("Your Highlight on page 10", "the first part of a") + record("Your Highlight on page 10", "the first part of a whole")
    ((source,), warnings) = read_clippings(Document("c.txt", text.encode()))
    assert ([item.text for item in source.highlights], warnings) == (["the first part of a whole"], [])


def test_marks_and_chains() -> None:
    text = "".join(
        record(f"Your Highlight at location {place}-{place} | x", words) + record(f"Your Note at location {place} | x", note)
        for place, words, note in [(1, "Chapter", ".h2"), (5, "left", ".c1"), (9, "right", ".c2"), (12, "Fine", ".favorite")]
    )
    chapter, joined, fine = parse(text)
    assert (chapter.heading_level, joined.text, fine.is_favorite) == (2, "left right", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just words\n", ["line 1", "=========="]),
        (record("Your Highlight on page 1 | x") + "Title\r\nno dash\r\n\r\nText\r\n==========\r\n", ["line 7", "no dash"]),
        (record("Quelque chose d'autre | x"), ["line 2", "no known form"]),
    ],
)
def test_broken_files_are_refused_with_the_line(library: Library, tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "My Clippings.txt").write_text(text, encoding="utf-8", newline="")
    with pytest.raises(Invalid) as caught:
        import_clippings(library, path=tmp_path / "My Clippings.txt")
    for words in expected:
        assert words in caught.value.message
    assert library.sources.all() == []


DATED = "Your Highlight on page 12 | Location 145-147 | Added on Monday, 5 October 2020 10:15:30"
BOOKMARK = DATED.replace("Highlight", "Bookmark")


@pytest.mark.parametrize("missing", ["", "\r\n"])
def test_a_record_without_its_title_goes_where_its_words_are(library: Library, tmp_path: Path, missing: str) -> None:
    path = tmp_path / "My Clippings.txt"
    at, later = "Your Highlight at location 1-2 | x", DATED.replace("145-147", "300")
    lost = "".join(missing + record(DATED, words).partition("\r\n")[2] for words in ("Words of no book.", "Some words here."))
    path.write_text(record(at, "Others.") + lost + record(later) + missing + record(BOOKMARK, "").partition("\r\n")[2], newline="")
    report = import_clippings(library, path=path)
    found = {source.title: [item.text for item in library.sources.highlights(source.id)] for source in library.sources.all()}
    assert found == {"Deep Work": ["Others.", "Some words here.", "Some words here."], "Untitled": ["Words of no book."]}
    told = [f"My Clippings.txt, line {line}: no title above" for line in ((6, 10) if not missing else (7, 12))]
    assert [warning.partition(" '")[0] for warning in report.warnings] == told
    assert not import_clippings(library, path=path).changed


def test_a_file_that_begins_without_a_title_is_known(library: Library, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(record(DATED).partition("\r\n")[2], newline="")
    with pytest.raises(Invalid, match="Kindle clippings"):
        import_readwise(library, path=tmp_path / "c.txt")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"- {DATED}", "", "One.", "Other (B)", f"- {DATED}", "", "Two."], {"T": "One.", "Other": "Two."}),
        ([f"- {DATED}", "", "One.", f"- {DATED}", "", "Two."], {"T": "One.", "": "Two."}),
        ([f"- {BOOKMARK}", "", "Other (B)", f"- {DATED}", "", "Two."], {"Other": "Two."}),
        ([f"- {DATED}", "", "One.", "- Your Highlight is on page 5, they said"], {"T": "One.\n- Your Highlight is on page 5, they said"}),
    ],
)
def test_a_record_that_is_not_closed_takes_no_other_in(lines: list[str], expected: dict[str, str]) -> None:
    text = "\r\n".join(["T (A)", *lines, "==========", ""])
    sources, warnings = read_clippings(Document("c.txt", text.encode()))
    assert {source.title: "|".join(item.text for item in source.highlights) for source in sources} == expected
    assert any("line 1: this record is not closed" in warning for warning in warnings) == (expected.keys() > {"T"})


@pytest.mark.parametrize(("before", "line"), [("", 2), ("\r\n\r\n", 4)])
def test_the_line_that_is_named_does_not_say_what_was_clipped(before: str, line: int) -> None:
    with pytest.raises(Invalid, match=f"line {line}: 'no dash' does not say"):
        read_clippings(Document("c.txt", f"{before}Title\r\nno dash\r\n\r\nText\r\n==========\r\n".encode()))


def test_a_note_without_a_highlight_and_a_cut_end_are_told() -> None:
    text = record("Your Note at location 99 | x", "alone") + record("Your Highlight at location 1-2 | x").removesuffix("==========\r\n")
    sources, warnings = read_clippings(Document("c.txt", text.encode()))
    assert len(sources[0].highlights) == 1
    assert ["line 1" in warnings[0] or "line 1" in warnings[1], any("not closed" in item for item in warnings)] == [True, True]


@pytest.mark.parametrize(
    "limit",
    [
        "<You have reached the clipping limit for this item>",
        "<このアイテムのクリップの上限に達しました>",
        "<Вы достигли максимального количества элементов буфера обмена для этого содержимого>",
    ],
)
def test_what_kindle_says_of_a_publishers_limit_is_no_highlight(limit: str) -> None:
    text = "".join(record(f"Your Highlight at location {at} | x", f"{words}{limit}") for at, words in ((1, " "), (20, "The first words ")))
    sources, warnings = read_clippings(Document("c.txt", text.encode()))
    assert [item.text for item in sources[0].highlights] == ["The first words"]
    assert [told.rpartition(", ")[2] for told in warnings] == ["no text", "the highlight ends there"]
    kept = record("Your Highlight at location 1 | x", "Set <limit>") + record("Your Note at location 1 | x", "why <so low a limit>")
    (found,) = parse(kept)
    assert (found.text, found.annotation) == ("Set <limit>", "why <so low a limit>")


def test_importing_again_and_growing(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "My Clippings.txt"
    path.write_text(record("Your Highlight at location 10-11 | x", "the first part of a thing"), encoding="utf-8")
    assert import_clippings(library, path=path).added == 1
    assert not import_clippings(library, path=path).changed
    path.write_text(record("Your Highlight at location 10-12 | x", "the first part of a thing, and more"), encoding="utf-8")
    report = import_clippings(library, path=path)
    assert (report.added, report.updated) == (0, 1)


def test_a_highlight_already_known_from_readwise_stays_one(library: Library, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "Highlight,Book Title,Book Author,Amazon Book ID,Note,Location Type,Location,Highlighted at\n"
        "Some words here.,Deep Work: Rules for Focused Success,Cal Newport,B00X,mine,location,145,2020-10-05 08:15:30+00:00\n",
        encoding="utf-8",
    )
    (tmp_path / "c.txt").write_text(
        record("Your Highlight on page 12 | Location 145-147 | Added on Monday, 5 October 2020 10:15:30"), encoding="utf-8"
    )
    import_readwise(library, path=tmp_path / "r.csv")
    report = import_clippings(library, path=tmp_path / "c.txt")
    assert (report.sources_added, report.added, report.unchanged) == (0, 0, 1)
    (source,) = library.sources.all()
    (found,) = library.sources.highlights(source.id)
    assert (found.annotation, found.highlighted_at) == ("mine", "2020-10-05T08:15:30+00:00")


@settings(max_examples=150)
@given(st.text(alphabet="ab-|= \n\r()", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        read_clippings(Document("c.txt", (text + "\n==========\n").encode()))


def test_an_unknown_language_with_a_range_is_taken_for_a_highlight() -> None:
    text = record("Twoje podkreślenie na stronie 5 | pozycja 100-102 | Dodano: poniedziałek, 5 października 2020")
    sources, warnings = read_clippings(Document("c.txt", text.encode()))
    assert [item.location for item in sources[0].highlights] == [100]
    assert "no known language" in warnings[0]


def test_a_folder_and_an_empty_file_are_told_apart(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(Invalid, match="is a folder"):
        import_clippings(library, path=tmp_path)
    with pytest.raises(Invalid, match="is empty") as caught:
        import_clippings(library, path=tmp_path / "empty.txt")
    assert "Kindle" in caught.value.hint


def test_clippings_given_as_another_export_are_told_with_the_command_that_reads_them(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "My Clippings.txt"
    path.write_text(record("Your Highlight on page 12 | Location 145-147 | Added on Sunday, 3 March 2024 10:00:00"))
    with pytest.raises(Invalid, match="is a Kindle clippings file") as told:
        import_readwise(library, path=path)
    assert told.value.hint == f"Import it with: notewright import kindle '{path}'"


def test_highlights_from_elsewhere_come_as_the_csv_that_the_hint_names(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "Walden Again.md"
    other.write_text("# Walden Again\n### Page 12\n*Most of what we own is only rented.*\n")
    with pytest.raises(Invalid) as told:
        import_readwise(library, path=other)
    assert "a CSV with the columns Highlight and Book Title" in told.value.hint
    (tmp_path / "mine.csv").write_text("Highlight,Book Title\nMost of what we own is only rented.,Walden Again\n")
    assert import_readwise(library, path=tmp_path / "mine.csv").added == 1


def test_each_text_is_brought_into_its_normal_form_once(monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[str] = []

    def bring(text: str) -> str:
        brought.append(text)
        return normalise(text)

    monkeypatch.setattr(clippings, "normalise", bring)
    texts = [f"Highlight {number} is told without its place in the {number * 7} book." for number in range(60)]
    ((source,), _) = read_clippings(Document("c.txt", "".join(record("Your Highlight", text) for text in texts).encode()))
    assert len(source.highlights) == 60
    assert len(brought) <= 2 * 60


def test_of_many_highlights_at_one_place_few_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(left: clippings._Clipping, right: clippings._Clipping) -> bool:
        compared.append(left)
        return same_mark(left, right)

    same_mark = clippings._same_mark
    monkeypatch.setattr(clippings, "_same_mark", compare)
    texts = [f"The {number}th of the many words at this place is number{number} of them all." for number in range(400)]
    ((source,), _) = read_clippings(Document("c.txt", "".join(record("Your Highlight on page 3", text) for text in texts).encode()))
    assert len(source.highlights) == 400
    assert len(compared) < 10 * 400


@given(st.lists(st.lists(st.sampled_from(["a", "b,", "b", "c.", "d", "—", "自由", "自由とは"]), max_size=9).map(" ".join), max_size=9))
def test_the_first_record_of_a_highlight_is_found_as_if_all_were_compared(texts: list[str]) -> None:
    items = [clippings._Clipping("highlight", "", "", text, 3, None, None, "", line) for line, text in enumerate(texts)]
    marks = clippings._Marks(items)
    for item in items:
        place = next((at for at, other in enumerate(marks.found) if clippings._same_mark(other, item)), -1)
        assert marks.place_of(item) == place
        marks.put(place if place >= 0 else len(marks.found), item)
