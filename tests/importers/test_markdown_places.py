"""Places of highlights in Markdown exports: read as people and programs write them, and left where they are the author's own words."""

from __future__ import annotations

import pytest

from markdown_exports import link, parse


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("(Pos. 12–14)", (12, "location")),
        ("(Position 12)", (12, "location")),
        ("(Kindle-Positionen12-14)", (12, "location")),
        ("(Kindle Locations 12-14)", (12, "location")),
        ("([Pos. 12–14](kindle://book?action=open&asin=B00X&location=12))", (12, "location")),
        ("(S. 12)", (12, "page")),
        ("(Seite 12)", (12, "page")),
        ("(p. 12–14)", (12, "page")),
        ("(pp. 12-14)", (12, "page")),
        ("(Page 12 · Location 145)", (145, "location")),
        ("(S. xii · Position 145-147)", (145, "location")),
        ("([Time 0:12:34](https://share.snipd.com/snip/a))", (754, "time_offset")),
        ("[🎧 Play snip - 1min️ (12:34 - 13:45)](https://share.snipd.com/snip/a)", (754, "time_offset")),
        ("[12:34](https://video.example/watch?v=a&t=754s)", (754, "time_offset")),
        ("([Play](https://pod.example/ep?t=754))", (754, "time_offset")),
        ("[▶ 1:02:03](https://video.example/a?t=1h2m3s)", (3723, "time_offset")),
        ("[Watch](https://video.example/a#t=12:34.5)", (None, "")),
        ("[Watch](https://video.example/a#t=12.5)", (12, "time_offset")),
        ("[▶ Watch on Tube](https://video.example/a?t=12)", (12, "time_offset")),
    ],
)
def test_a_place_is_read_as_people_and_programs_write_it(said: str, place: tuple[int | None, str]) -> None:
    found = parse(f"# T\n## Highlights\n- The river was straight. {said}\n- Two {said}\n").highlights[0]
    assert (found.location, found.location_type) == place
    assert found.text == "The river was straight." + (f" {said}" if place[0] is None else "")


@pytest.mark.parametrize(
    "words",
    [
        "See [3:16](https://verses.example/john)",
        "See [the talk](https://video.example/a?t=754)",
        "See and [watch the talk](https://video.example/a?t=754)",
        "It fell (cf. S. 12)",
        "So (S. Holm)",
        "So it is written (p. 12)",
        "Es steht geschrieben (S. 12)",
        "It took long (time 12)",
        "So [page 12](https://x.example) says",
    ],
)
def test_what_only_looks_like_a_place_is_the_authors(words: str) -> None:
    found = parse(f"# T\n## Highlights\n- {words}\n- Two (Page 3)\n").highlights[0]
    assert (found.text, found.location) == (words, None)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("Location: Pos. 12–14", (12, "location")),
        ("Pos.: 12-14", (12, "location")),
        ("Seite: 12", (12, "page")),
        ("Page: S. 12", (12, "page")),
        ("Page: xii", (None, "")),
        ("Time: 12:34", (754, "time_offset")),
        ("Link: [12:34](https://pod.example/ep?t=754)", (754, "time_offset")),
        ("Position: [12](https://readwise.io/to_kindle?action=open&asin=B00X&location=12)", (12, "location")),
    ],
)
def test_a_line_of_its_own_says_the_place(line: str, place: tuple[int | None, str]) -> None:
    found = parse(f"# T\n## Highlights\n### id827905563\n\n> One.\n\n- {line}\n\n### id827905564\n\n> Two.\n").highlights[0]
    assert (found.text, found.location, found.location_type) == ("One.", *place)


@pytest.mark.parametrize("words", ["Location: near Paris, in spring", "Page: vivid"])
def test_a_line_with_other_words_after_a_place_s_name_is_kept(words: str) -> None:
    source = parse(f"# T\n## Highlights\n### id827905563\n\n- {words}\n\n### id827905564\n\n> Two.\n")
    assert source.highlights[0].text == words


def test_a_reference_before_the_place_of_a_highlight_is_the_authors() -> None:
    link = "[Location 345](https://readwise.io/to_kindle?action=open&asin=B00X&location=345)"
    [found] = parse(f"# T\n## Highlights\n- It fell, says Holm (p. 12) ({link})\n").highlights
    assert (found.text, found.location, found.location_type) == ("It fell, says Holm (p. 12)", 345, "location")


@pytest.mark.parametrize(("said", "form"), [("p. {}", "page"), ("S. {}", "page"), ("Pos. {}", "location")])
def test_a_place_behind_words_is_the_exporters_where_most_highlights_have_one(said: str, form: str) -> None:
    marked = [f"- Words {number}. ({said.format(number)})\n" for number in range(1, 5)]
    found = parse("# T\n## Highlights\n" + "".join([*marked, "- No place\n"])).highlights
    assert [(item.location, item.location_type) for item in found] == [*((number, form) for number in range(1, 5)), (None, "")]
    found = parse("# T\n## Highlights\n" + "".join([*marked[:2], *["- No place\n"] * 2])).highlights
    assert [item.text for item in found[:2]] == [line[2:-1] for line in marked[:2]]


def test_a_citation_stays_beside_an_exporters_links() -> None:
    lines = [f"- Words{number} {cited}{link(number)}\n" for number, cited in enumerate(["(p. 12) ", "(p. 13) ", ""])]
    found = parse("# T\n## Highlights\n" + "".join(lines)).highlights
    assert [(item.text, item.location) for item in found] == [("Words0 (p. 12)", None), ("Words1 (p. 13)", None), ("Words2", None)]
    found = parse("# T\n## Highlights\n" + "".join(lines[:2])).highlights  # a template of its own
    assert [(item.text, item.location) for item in found] == [("Words0", 12), ("Words1", 13)]


def test_a_citation_at_the_end_of_a_wrapped_line_stays() -> None:
    found = parse("# T\n## Highlights\n> So he wrote\n> (p. 12)\n\n> Two\n").highlights
    assert [item.text for item in found] == ["So he wrote\n(p. 12)", "Two"]


@pytest.mark.parametrize("words", ["Time 1", "Timestamp 3", "Time 12 and after"])
def test_a_chapter_called_time_is_no_place(words: str) -> None:
    found = parse(f"# T\n## Highlights\n### {words}\n- One\n### Time 1:30\n> Two\n").highlights
    assert [(item.text, item.heading_level, item.location) for item in found] == [(words, 1, None), ("One", 0, None), ("Two", 0, 90)]


def test_a_heading_with_a_time_is_a_chapter_elsewhere() -> None:
    found = parse("# T\n## Highlights\n### [04:47] Leaves\n- One\n").highlights
    assert [(item.text, item.heading_level) for item in found] == [("[04:47] Leaves", 1), ("One", 0)]
