"""What a note says of one chapter is one example: joined from several passages, cut from one that tells of several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from notewright.library import Library
from notewright.library.examples import Example, from_pairs
from notewright.library.units import LONGEST, cut_by_chapter, read_blocks
from notewright.records import Highlight, Pair, PairLink, Source
from notewright.vault import parse_note

FACTS = {
    "Floods": ("A straight river has not met its flood yet.", "Meadows drink what the embankment refuses."),
    "Bridges": ("Every bridge argues with the water below.", "Piers narrow the channel and deepen scouring."),
}
FLOODS, BRIDGES = FACTS["Floods"], FACTS["Bridges"]


def highlight_id(chapter: str, number: int) -> str:
    return f"readwise:{list(FACTS).index(chapter)}{number}"


@pytest.fixture
def rivers(library: Library) -> Library:
    highlights = [
        Highlight(text, outside_ids=(highlight_id(chapter, number),), chapter=chapter, position=10 * at + number)
        for at, (chapter, texts) in enumerate(FACTS.items())
        for number, text in enumerate(texts)
    ]
    source = Source("Rivers", author="A. Reader", kind="book", outside_ids=("readwise:b-1",), highlights=tuple(highlights))
    library.sources.upsert([source], origin="api", complete=True)
    return library


def examples(library: Library, *bodies: str, linked: Sequence[tuple[str, ...]] | None = None) -> list[Example]:
    """Of notes with these texts. Every passage is paired with the highlights whose words it has, or with those of `linked`, in order."""
    scanned, pairs = [], []
    names = iter(linked or ())
    for number, body in enumerate(bodies):
        parsed = parse_note(f"Rivers {number}.md", body.encode())
        scanned.append((parsed.note, parsed.passages))
        for passage in parsed.passages:
            found = [
                highlight_id(chapter, place)
                for chapter, texts in FACTS.items() for place, text in enumerate(texts) if text.split()[-1].strip(".") in passage.text
            ]  # fmt: skip
            ids = next(names) if linked else tuple(found)
            if ids:
                pairs.append(Pair(
                    "", "readwise:b-1", passage.note_id, passage.note_path, passage.id, passage.start, passage.end, passage.text, 0.95,
                    "text", "proposed", tuple(PairLink(item, 0.95, "text") for item in ids), passage.headings,
                ))  # fmt: skip
    library.notes.sync(scanned)
    library.pairs.propose(pairs)
    return from_pairs(library)


def told(found: Sequence[Example]) -> list[tuple[str, str]]:
    return [(example.prompt.chapter, example.passage) for example in found]


def test_headings_below_that_of_a_chapter_are_one_example(rivers: Library) -> None:
    floods = f"## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n### Quote\n\n> {FLOODS[1]}"
    bridges = f"## On bridges\n\n### Idea\n\n- {BRIDGES[0]}\n\n### Quote\n\n> {BRIDGES[1]}"
    (first, second) = examples(rivers, f"# Rivers\n\n{floods}\n\n{bridges}\n")
    assert told([first, second]) == [("Floods", floods), ("Bridges", bridges)]
    assert [len(item.prompt.highlights) for item in (first, second)] == [2, 2]
    assert [item.pair_id for item in (first, second)] == ["pair-1", "pair-3"]


def test_what_other_notes_do_tells_where_a_lone_chapter_begins(rivers: Library) -> None:
    lone = f"## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n### Quote\n\n> {FLOODS[1]}"
    (alone,) = examples(rivers, f"# Rivers\n\n{lone}\n")
    assert alone.passage == lone.removeprefix("## On floods\n\n")
    two = f"# Rivers\n\n## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n## On bridges\n\n### Idea\n\n- {BRIDGES[0]}\n"
    assert told(examples(rivers, f"# Rivers\n\n{lone}\n", two))[0] == ("Floods", lone)


def test_neighbours_without_a_heading_of_their_own_are_joined_and_strangers_are_not(rivers: Library) -> None:
    ideas = f"## Ideas\n\n- {FLOODS[0]}\n\n## Quotes\n\n> {FLOODS[1]}"
    assert told(examples(rivers, f"# Rivers\n\n{ideas}\n\n## Bridges\n\n- {BRIDGES[0]}\n"))[0] == ("Floods", ideas)
    apart = f"# Rivers\n\n## Ideas\n\n- {FLOODS[0]}\n\n## My day\n\nI went swimming.\n\n## Quotes\n\n> {FLOODS[1]}\n"
    assert len(examples(rivers, apart)) == 2
    back = f"# Rivers\n\n## Ideas\n\n- {FLOODS[0]}\n\n## Bridges\n\n- {BRIDGES[0]}\n\n## Quotes\n\n> {FLOODS[1]}\n"
    assert len(examples(rivers, back)) == 3


def test_what_the_note_says_no_more_is_left_as_it_was(rivers: Library) -> None:
    body = f"# Rivers\n\n## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n### Quote\n\n> {FLOODS[1]}\n\n## On bridges\n\n- {BRIDGES[0]}\n"
    assert len(examples(rivers, body)) == 2
    for pair in rivers.pairs.all():
        rivers.pairs.decide(pair.id, "accepted")
    parsed = parse_note("Rivers 0.md", b"# Rivers\n\n## On floods\n\n### Idea\n\n- Something else altogether.\n")
    rivers.notes.sync([(parsed.note, parsed.passages)])
    assert [example.passage.splitlines()[0] for example in from_pairs(rivers)] == ["### Idea", "### Quote", "## On bridges"]


def test_what_would_be_too_long_to_write_stays_apart(rivers: Library) -> None:
    filler = "\n".join(f"- Meadows drink again, number {number}." for number in range(LONGEST // 60))
    ideas = f"## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n### Quote\n\n{filler}\n- {FLOODS[1]}\n{filler}"
    assert len(examples(rivers, f"# Rivers\n\n{ideas}\n\n## On bridges\n\n- {BRIDGES[0]}\n")) == 3


def test_a_decision_of_the_person_holds_for_the_whole(rivers: Library) -> None:
    body = f"# Rivers\n\n## On floods\n\n### Idea\n\n- {FLOODS[0]}\n\n### Quote\n\n> {FLOODS[1]}\n\n## On bridges\n\n- {BRIDGES[0]}\n"
    assert [example.weight for example in examples(rivers, body)] == [0.95, 0.95]
    for pair_id in ("pair-1", "pair-2"):
        rivers.pairs.decide(pair_id, "accepted")
    assert [example.weight for example in from_pairs(rivers)] == [1.0, 0.95]
    rivers.pairs.decide("pair-2", "rejected")
    found = from_pairs(rivers)
    assert found[0].passage == f"### Idea\n\n- {FLOODS[0]}"
    assert len(found) == 2


@pytest.mark.parametrize(
    ("header", "footer"),
    [("__A line__\n", ""), ("", "\n\n~ me, twice"), ("**{0}**\n\n", "\n\n#tag\n\n~ me"), ("{0}, a chapter\n\n", "")],
)
def test_a_note_without_headings_is_cut_between_chapters(rivers: Library, header: str, footer: str) -> None:
    parts = [
        header.format(chapter) + "\n\n".join(f"- {text}" for text in texts) + footer for chapter, texts in FACTS.items()
    ]  # fmt: skip
    assert told(examples(rivers, "# Rivers\n\n" + "\n\n".join(parts) + "\n")) == list(zip(FACTS, parts, strict=True))
    assert [example.pair_id for example in from_pairs(rivers)] == ["pair-1", "pair-1.2"]


def test_one_list_of_all_chapters_is_not_cut(rivers: Library) -> None:
    body = "# Rivers\n\n## Highlights\n" + "\n".join(f"- {text}" for text in (*FLOODS, *BRIDGES))
    assert told(examples(rivers, body)) == [("", body.removeprefix("# Rivers\n\n"))]


def test_chapters_that_come_back_are_not_cut(rivers: Library) -> None:
    body = f"# Rivers\n\n- {FLOODS[0]}\n- {BRIDGES[0]}\n- {FLOODS[1]}\n"
    assert told(examples(rivers, body)) == [("", body.strip())]


def test_only_what_shows_where_it_comes_from_is_cut() -> None:
    highlights = [Highlight(text, chapter=chapter) for chapter, texts in FACTS.items() for text in texts]
    assert cut_by_chapter("All of it in words of my own.\n\nAnd more.", highlights) == []
    assert cut_by_chapter(f"{FLOODS[0]}\n\nWater.\n", highlights) == []
    text = f"> {FLOODS[0]}\n> says the book\n\nMine.\n\n```\n{BRIDGES[0]}\n\n# not a heading\n```\n\n{BRIDGES[1]}\n"
    assert [(chapter, text[start:end]) for chapter, start, end in cut_by_chapter(text, highlights)] == [
        ("Floods", f"> {FLOODS[0]}\n> says the book\n\nMine."),
        ("Bridges", f"```\n{BRIDGES[0]}\n\n# not a heading\n```\n\n{BRIDGES[1]}"),
    ]


def test_blocks() -> None:
    text = "# One\nText\ngoes on\n- a\n  b\n- c\n\n~~~\n- no\n\n# no\n~~~\nafter\n"
    assert [block.text for block in read_blocks(text)] == ["# One", "Text\ngoes on", "- a\n  b", "- c", "~~~\n- no\n\n# no\n~~~", "after"]


def test_bytes_stand_where_the_note_has_them(rivers: Library, tmp_path: Path) -> None:
    body = f"---\nx: é\n---\n# Rivers\n\n## On floods\n\n### Idéa\n\n- {FLOODS[0]}\n\n### Quote\n\n> {FLOODS[1]}\n"
    examples(rivers, body)
    first, second, *_ = rivers.notes.passages()
    data = body.encode()
    assert data[first.start - len(first.lead.encode()) : first.start].decode() == first.lead == "# Rivers\n\n## On floods\n\n"
    assert data[first.end : second.start].decode() == second.lead == "\n\n"
