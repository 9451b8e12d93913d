"""Markdown exports: the official template, its oddities in real exports, and people's own templates."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from notewright.errors import Invalid
from notewright.importers import import_readwise, markdown_export, reading
from notewright.importers.markdown_file import read_markdown_file
from notewright.importers.reading import Document
from notewright.library import Library
from notewright.records import Source

NBSP = "\u00a0"
ULID = "01jfrm3ytkja4jzgyrfwv5ynpv"
OFFICIAL = f"""# Deep Work

![rw-book-cover](https://covers.example/deep.jpg)

## Metadata
- Author: [[Cal Newport, Someone Else]]
- Full Title: Deep Work: Rules for Focused Success
- Category: #books
- Document Tags: [[focus]] [[work habits]]\x20
- Summary: About attention.
- URL: https://deep.example/a?b=1#c

## Highlights
### Part One
- First highlight. ([Location 223](https://readwise.io/to_kindle?action=open&asin=B00X&location=223))
    - Tags: [[idea]] [[big idea]]\x20
    - Note: A remark
- Several lines:
  1. one
  2. two ([View Highlight](https://read.readwise.io/read/{ULID}))
  - Note: two spaces deep
#### A section
- With a page (Page{NBSP}0)
\t- Tags: [[tab]]
- ![](https://images.example/a.png) ([](https://readwise.io/open/555))
- __Inner highlight__ and a [link](https://x.example) at the end [here](https://y.example)
## New highlights added April 17, 2024 at 5:22 AM
- Added later ^rw987654
- A rule inside
  ---
  <iframe src="https://v.example"></iframe>
- # INTRODUCTION
"""


def parse(text: str, stem: str = "File", folder: str = "") -> Source:
    found = read_markdown_file(text, stem=stem, folder=folder).source
    assert found is not None
    return found


def test_the_official_template_is_read_whole() -> None:
    source = parse(OFFICIAL)
    assert (source.title, source.author, source.kind) == ("Deep Work: Rules for Focused Success", "Cal Newport, Someone Else", "book")
    assert (source.tags, source.summary, source.cover_url) == (
        ("focus", "work habits"),
        "About attention.",
        "https://covers.example/deep.jpg",
    )
    assert source.outside_ids == ("asin:B00X", "url:https://deep.example/a?b=1")
    found = source.highlights
    assert [(item.heading_level, item.text) for item in found] == [
        (1, "Part One"),
        (0, "First highlight."),
        (0, "Several lines:\n1. one\n2. two"),
        (2, "A section"),
        (0, "With a page"),
        (0, "![](https://images.example/a.png)"),
        (0, "__Inner highlight__ and a [link](https://x.example) at the end [here](https://y.example)"),
        (1, ""),  # the chapter ends here
        (0, "Added later"),
        (0, 'A rule inside\n---\n<iframe src="https://v.example"></iframe>'),
        (1, "INTRODUCTION"),
    ]
    first, several, page, image, added = found[1], found[2], found[4], found[5], found[8]
    assert (first.location, first.location_type, first.tags, first.annotation) == (223, "location", ("idea", "big idea"), "A remark")
    assert (several.outside_ids, several.annotation) == ((f"reader:{ULID}",), "two spaces deep")
    assert several.url == f"https://read.readwise.io/read/{ULID}"
    assert (page.location, page.location_type, page.tags) == (0, "page", ("tab",))
    assert image.outside_ids == ("readwise:555",)
    assert added.outside_ids == ("readwise:987654",)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_newline_styles_make_no_difference(newline: str) -> None:
    assert parse(OFFICIAL.replace("\n", newline)) == parse(OFFICIAL)


ADDED = """# T

![rw-book-cover](https://c.example/c.jpg)

## Highlights
### One
- In one{0}
### Two
- In two{1}
## New highlights added April 17, 2024 at 5:22 AM
- Somewhere{2}
- Somewhere else{3}
### Three
- In three{4}
"""


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([""] * 5, ["One", "Two", "", "", "Three"]),
        ([f" (Page {page})" for page in (1, 9, 2, 12, 20)], ["One", "One", "Two", "Two", "Three"]),  # these say where it belongs
    ],
)
def test_what_is_added_later_is_in_no_chapter_that_is_not_its_own(
    library: Library, tmp_path: Path, places: list[str], expected: list[str]
) -> None:
    path = tmp_path / "T.md"
    path.write_text(ADDED.format(*places), encoding="utf-8")
    for changed in (True, False):
        assert import_readwise(library, path=path).changed == changed
        (source,) = library.sources.all()
        assert [item.chapter for item in library.sources.highlights(source.id)] == expected
    path.write_text(ADDED.format(*places) + "- More of three\n", encoding="utf-8")
    assert import_readwise(library, path=path).added == 1
    assert library.counts()["chapter_marks"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- ```\n  if a:\n      b()\n  # no heading\n  ``` ([View Highlight](https://read.readwise.io/read/{0}))",
         "```\nif a:\n    b()\n# no heading\n```"),
        ("- Words:\n  ```\n  a\n\tb\n  ```", "Words:\n```\na\n  b\n```"),
        ("> ```\n> if a:\n>     b()\n> ```", "```\nif a:\n    b()\n```"),
    ],
)  # fmt: skip
def test_code_in_a_highlight_has_no_indentation_of_the_list(text: str, words: str) -> None:
    assert [item.text for item in parse(f"# T\n\n## Highlights\n{text.format(ULID)}\n").highlights] == [words]


def test_code_in_a_note_keeps_its_own_indentation() -> None:
    (found,) = parse("# T\n\n## Highlights\n- Words\n    - Note: See\n      ```\n      if a:\n          b()\n      ```\n").highlights
    assert found.annotation == "See\n```\nif a:\n    b()\n```"


@pytest.mark.parametrize("address", ["private://read/01gxyz", "mailto:reader-forwarded-email/abc123"])
def test_an_address_that_nothing_opens_is_no_url(address: str) -> None:
    source = parse(OFFICIAL.replace("https://deep.example/a?b=1#c", address))
    assert source.url == ""
    assert f"url:{address}" in source.outside_ids


def test_each_highlight_under_its_own_heading() -> None:
    source = parse(
        f"""---
authors:
  - Greg Deckler
media: books
source-url: https://x.example/y
title: Reference - Learn
---
## Learn Power BI (Highlights)

![rw-book-cover](https://c.example)

## Highlights

### id827905563

> First line
> second line.
> \\- [(View Highlight)](https://read.readwise.io/read/{ULID})

**Initial thought or note on:** [(View Highlight)](https://read.readwise.io/read/{ULID})
Trust, but verify.

> quoted in the remark

### Location 42

> Words.
> \\- [(Location 42)](https://readwise.io/to_kindle?action=open&asin=B09&location=42)
"""
    )
    assert (source.title, source.author, source.kind, source.asin) == ("Learn Power BI", "Greg Deckler", "book", "B09")
    first, second = source.highlights
    assert (first.text, set(first.outside_ids)) == ("First line\nsecond line.", {"readwise:827905563", f"reader:{ULID}"})
    assert first.annotation == "Trust, but verify.\n> quoted in the remark"
    assert (second.text, second.location, second.heading_level) == ("Words.", 42, 0)


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


TEMPLATES = {
    "front matter only": f"---\ntitle: T\nauthor: A\n---\n- One ([View Highlight](https://read.readwise.io/read/{ULID}))\n- Two\n",
    "callouts": "# T\n## Highlights\n> [!quote] [View Highlight](https://readwise.io/open/11)\n> One\n\n> [!quote]\n> Two\n",
    "quotes": "# T\n\n## Highlights\n> One\n\n> Two\n",
    "paragraphs": "# T\n## Highlights\nOne ([Location 1](https://readwise.io/to_kindle?action=open&asin=B&location=1))\n\nTwo (Page 3)\n",
    "cut by blank lines": "# T\n## Highlights\nOne\n\nmore of it (Page 1)\n\nTwo (Page 3)\n\nThree (Page 4)\n",
    "mirror": "%%\nID: 3\n%%\n# Highlights\n"
    "One ([4](https://readwise.io/to_kindle?action=open&asin=B&location=4)) %% Color: blue %% ^123456\n\n"
    "Note: remark\nTags: #a #b\n[View Highlight](https://readwise.io/open/123456)\n\n---\n\nTwo ^123457\n\n---\n",
    "manual export": "# T\n\n![](c)\n\n### Metadata\n\n- Author: A\n- Full Title: T\n\n### Highlights\n\n- One (Page 1)\n- Two\n",
    "dataview": "Author:: A\nURL:: https://x.example\n## Highlights\n* One ^rwhi123456\n* Two\n",
    "broken front matter": '---\nauthor: "Jez Humble\nDavid Farley"\ntags: [a\n---\n# T\n## Highlights\n- One\n- Two\n',
    "outliner": "- Author: [[A]]\n- Highlights first synced by [[Readwise]]\n    - One (Page 1)\n        - Note: x\n    - Two\n",
    "full document below": "# T\n## Highlights\n- One\n- Two\n## Full Document\n- not a highlight\n",
    "fence": "# T\n## Highlights\n- One\n  ```sh\n  ## not a chapter\n  ```\n- Two\n",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_of_people(name: str) -> None:
    source = parse(TEMPLATES[name], stem="T")
    found = [item for item in source.highlights if not item.heading_level]
    assert [item.text.split()[0] for item in found][:2] == ["One", "Two"], source.highlights
    assert len(found) == (3 if name == "cut by blank lines" else 2)
    assert not any(item.heading_level for item in source.highlights)


def test_the_mirror_template_keeps_ids_notes_and_tags() -> None:
    first, second = parse(TEMPLATES["mirror"]).highlights
    assert (first.text, first.annotation, first.tags, first.location) == ("One", "remark", ("a", "b"), 4)
    assert (first.outside_ids, second.outside_ids) == (("readwise:123456",), ("readwise:123457",))


@pytest.mark.parametrize(
    ("text", "stem"),
    [("# A note\nwith words\n- and a list\n", "x"), ("# Readwise Syncs\n- 3 highlights\n", "Readwise Syncs"), ("## Highlights\n", "x")],
)
def test_other_notes_are_no_exports(text: str, stem: str) -> None:
    assert read_markdown_file(text, stem=stem).source is None


def link(number: int) -> str:
    return f"([View Highlight](https://read.readwise.io/read/01jfrm3ytkja4jzgyrfwv5yn{number:02}))"


def test_what_stands_above_the_highlights_where_no_heading_ends_it() -> None:
    source = parse(
        f"""---
tags: #readwise-articles
author: Ann Lee
---
# Ferns in the Dark

https://ferns.example/dark
2024-03-01
[[Ann Lee]]
## Summary
Ferns need little light.

They were here before flowers.

- Three rules: water, wait, and water again. {link(1)}
- Rhizoids: threads that hold the fern, and nothing else. {link(2)}
"""
    )
    assert (source.title, source.kind, source.url) == ("Ferns in the Dark", "article", "https://ferns.example/dark")
    assert source.summary == "Ferns need little light. They were here before flowers."
    assert [item.text.split(":")[0] for item in source.highlights] == ["Three rules", "Rhizoids"]
    assert not any(item.heading_level for item in source.highlights)


def test_a_first_highlight_like_a_field_is_one_without_a_summary_too() -> None:
    long = "- Moss: it has no roots, no flowers and no seeds, and it drinks with all of its leaves\n"
    source = parse(f"# T\n- Author: Ann\n- Rating: 5\n- Light: ferns need little. {link(1)}\n- Two (Page 3)\n")
    assert (source.author, [item.text for item in source.highlights]) == ("Ann", ["Light: ferns need little.", "Two"])
    source = parse(f"# T\n- Author: Ann\n{long}- Two (Page 3)\n")
    assert [item.text[:4] for item in source.highlights] == ["Moss", "Two"]


@pytest.mark.parametrize(
    "below",
    [
        "#reviewed",
        "#reviewed #plants/ferns",
        "[[Ferns MOC]]\n#reviewed",
        "[Ferns](Ferns%20MOC.md)\n#reviewed",
        "[[202401]][^1]\n\n[^1]: why",
    ],
)
@pytest.mark.parametrize("tail", [f" {link(1)}", "", f" {link(1)}[^2]"])
def test_own_tags_links_and_footnotes_below_are_no_highlights(below: str, tail: str) -> None:
    source = parse(f"# T\n\n## Highlights\n- Ferns need little light.{tail}\n\n{below}\n")
    assert [item.text for item in source.highlights] == ["Ferns need little light."]


def test_a_marked_hashtag_is_a_highlight() -> None:
    source = parse(f"# T\n\n## Highlights\n#fernsfirst {link(1)}\n\n- #botany\n- #1 rule: water (Page 2)\n")
    assert [item.text for item in source.highlights] == ["#fernsfirst", "#botany", "#1 rule: water"]


@pytest.mark.parametrize(
    ("category", "kind"), [("#Type/Highlight/Article", "article"), ("[[Podcasts]]", "podcast"), ("#source-tweets", "tweet"), ("x", "")]
)
def test_categories_below_others(category: str, kind: str) -> None:
    assert parse(f"# T\n## Metadata\n- Category: {category}\n## Highlights\n- One\n").kind == kind


def test_what_a_converter_leaves_of_links() -> None:
    source = parse(
        "# T\n\n* Author: *Ann Lee*, [Bo Ek](../People/Bo%20Ek.md)\n\n## Highlights\n\n* One\n"
        "  * Tags: *favorite* *big idea* \n* Two\n  * Tags: a*b\n"
    )
    assert source.author == "Ann Lee, Bo Ek"
    first, second = source.highlights
    assert (first.tags, first.is_favorite, second.tags) == (("favorite", "big idea"), True, ("a*b",))


def test_metadata_in_a_callout_and_a_link_to_the_review_is_no_address() -> None:
    source = parse(
        "# T\n\n>[!note]- Information\n>Author:: [[Ann Lee]]\n> Type:: #Readwise/category/articles\n>Link:: https://readwise.io/bookreview/77\n"
        ">Source-URL:: https://ferns.example/1\n\n## Highlights\n- One\n"
    )
    assert (source.author, source.kind, source.url) == ("Ann Lee", "article", "https://ferns.example/1")
    assert (source.readwise_url, source.outside_ids[0]) == ("https://readwise.io/bookreview/77", "readwise:77")


@pytest.mark.parametrize(
    "text",
    [
        "# T\n## Metadata\n- Author: [[Ann Lee\nBo Ek]]\n- Category: #books\n## Highlights\n- One\n",
        "# T\n## Metadata\n- Author: Ann Lee,\n  Bo Ek\n\n## Highlights\n- One\n",
        "# T\n## Metadata\n- Author:\n  - [[Ann Lee]]\n  - [[Bo Ek]]\n- Category: #books\n## Highlights\n- One\n",
        "# T\n- Author: [[Ann Lee\nBo Ek]]\n- One (Page 1)\n- Two (Page 2)\n",
        '---\nauthor: "Ann Lee\nBo Ek"\ntitle: T\n---\n## Highlights\n- One\n',
        "---\nauthor: >-\n  Ann Lee,\n  Bo Ek\ntitle: T\n---\n## Highlights\n- One\n",
        "---\nauthors: [Ann Lee,\n  Bo Ek]\ntitle: T\n---\n## Highlights\n- One\n",
        "---\nauthors:\n- Ann Lee\n- Bo Ek\ntitle: T\n---\n## Highlights\n- One\n",
    ],
)
def test_names_that_go_on_in_the_next_line(text: str) -> None:
    source = parse(text, stem="T")
    assert (source.title, source.author) == ("T", "Ann Lee, Bo Ek")
    assert next(item.text for item in source.highlights) == "One"


@pytest.mark.parametrize("below", ["One. (Page 1)", "- One. (Page 1)", "Light: One. (Page 1)"])
def test_what_is_below_an_author_is_no_name_of_one(below: str) -> None:
    source = parse(f"# T\n- Author: Ann Lee\n{below}\n\n- Two (Page 2)\n")
    assert (source.author, len(source.highlights)) == ("Ann Lee", 2)
    source = parse(f"# T\n## Metadata\n- Author: Ann Lee and\n- Full Title: The Ferns\n## Highlights\n- {below}\n")
    assert (source.author, source.title) == ("Ann Lee and", "The Ferns")


def test_a_title_over_two_lines_of_the_front_matter_is_one() -> None:
    assert parse("---\ntitle: Ferns in\n  the dark\n---\n## Highlights\n- One\n").title == "Ferns in the dark"


def test_the_links_of_hypothesis() -> None:
    source = parse(
        "# T\n\n## Highlights\n\n* One — two. — [Updated on 2024-01-02 03:04:05](https://hyp.is/a-b_c/x.example/ferns)"
        "  — Group: #Plants\n\n* Two — [Updated on 2024-01-02 03:04:06](https://hyp.is/d/x.example/a_(b))\n"
    )
    assert [(item.text, item.url) for item in source.highlights] == [
        ("One — two.", "https://hyp.is/a-b_c/x.example/ferns"),
        ("Two", "https://hyp.is/d/x.example/a_(b)"),
    ]


def test_the_headings_of_kindle_notebooks() -> None:
    source = parse(
        "# Ferns\n\n## Highlights\n\n### Highlight (yellow) - Page 4\n\nOne.\n\n### Highlight (pink) - Roots > Location 88\n\nTwo.\n"
        "### Highlight (blue) - Page 9 · Location 120\n\nThree.\n"
    )
    assert [(item.text, item.location, item.location_type, item.heading_level) for item in source.highlights] == [
        ("One.", 4, "page", 0), ("Two.", 88, "location", 0), ("Three.", 120, "location", 0),
    ]  # fmt: skip


NOTEBOOK = """# Ferns

{h}Highlight (yellow) - XIII > Page 68 · Location 1414

She was breathing heavily.

{h}Note - XIII > Page 68 · Location 1415

As my sister did.

{h}Markierung (gelb) - Wurzeln > Seite ix · Position 1430-1432

Two.
"""


@pytest.mark.parametrize("mark", ["## ", "### ", ""])
def test_a_kindle_notebook(mark: str) -> None:
    first, second = parse(NOTEBOOK.format(h=mark)).highlights
    assert (first.text, first.location, first.location_type) == ("She was breathing heavily.", 1414, "location")
    assert first.annotation == "As my sister did."
    assert (second.text, second.location, second.heading_level) == ("Two.", 1430, 0)
    found = parse("# T\n## Highlights\n## Page 47 · Location 1406–1407\n\n> One.\n\n## Page 48 · Location 1411\n\n> Two.\n").highlights
    assert [(item.text, item.location, item.location_type) for item in found] == [("One.", 1406, "location"), ("Two.", 1411, "location")]


def test_the_headings_of_snipd() -> None:
    source = parse(
        """---
title: On Ferns
author: Ann Lee
type: podcast
---
## Show notes
> About ferns.

## Snips
### [04:47] Ferns drink with their leaves
[🎧 Play snip - 1min️ (03:50 - 04:47)](https://share.snipd.com/snip/11-22)
<audio controls> <source src="https://x.example/a.mp3#t=03:50,04:47"> </audio>

### ✨ Key takeaways
- Leaves take up water.
- Roots hold.

#### 📝 Note

Ask Bo.

#### 📚 Transcript
<details>
<summary>Click to expand</summary>
<blockquote><b>Ann Lee</b><br/><br/>They drink with their leaves.</blockquote>
</details>

### [1:02:03] Untitled
[🎧 Play snip - 1min️ (1:01:00 - 1:02:03)](https://share.snipd.com/snip/33-44)

#### 💬 Quote
> Moss has no roots.
"""
    )
    first, second = source.highlights
    assert first.text.split("\n") == [
        "Ferns drink with their leaves", "- Leaves take up water.", "- Roots hold.", "Ann Lee", "They drink with their leaves.",
    ]  # fmt: skip
    assert (first.annotation, first.location, first.location_type) == ("Ask Bo.", 287, "time_offset")
    assert first.url == "https://share.snipd.com/snip/11-22"
    assert (second.text, second.location, second.heading_level) == ("Moss has no roots.", 3723, 0)
    assert source.kind == "podcast"


LOGSEQ = """title:: Ferns (highlights)
author:: [[Ann Lee]]
full-title:: "Ferns: A Life"
category:: #books

- ![](https://covers.example/ferns.jpg)
- Highlights first synced by [[Readwise]] [[Monday, 31-10-2022]]
\t- -
\t\t- Ferns need little light.
\t\t  id:: 635faa09-bdf4-4228-8e54-a75b5d1858cc
\t\t  collapsed:: true
\t\t\t- They were here first.
\t\t- tags:: [[pink]] [[light]]
\t\t- ([Location 12](https://readwise.io/to_kindle?action=open&asin=B00X&location=12))
\t- -
\t- -
\t\t- Moss has no roots.
\t\t- ([Location 20](https://readwise.io/to_kindle?action=open&asin=B00X&location=20))
\t- A plain one. ([Location 30](https://readwise.io/to_kindle?action=open&asin=B00X&location=30))
"""


@pytest.mark.parametrize("linked", [True, False])
def test_a_graph_of_logseqs(linked: bool) -> None:
    text = LOGSEQ if linked else "\n".join(line for line in LOGSEQ.split("\n") if "\t\t- ([" not in line)
    source = parse(text)
    assert (source.title, source.author, source.kind) == ("Ferns: A Life", "Ann Lee", "book")
    assert source.cover_url == "https://covers.example/ferns.jpg"
    first, second, third = source.highlights
    assert (first.text, first.tags) == ("Ferns need little light.\n    - They were here first.", ("pink", "light"))
    assert [item.location for item in source.highlights] == ([12, 20, 30] if linked else [None, None, 30])
    assert second.text == "Moss has no roots."
    assert third.text.startswith("A plain one.")


def test_chapters_that_an_outliner_hangs_its_highlights_below() -> None:
    source = parse(
        "- Highlights first synced by [[Readwise]]\n\t- One (Page 1)\n\t- Roots\n\t\t- -\n\t\t\t- Two\n\t\t\t- (Page 2)\n\t\t- -\n"
        "\t\t- Rhizoids\n\t\t\t- -\n\t\t\t\t- Three\n\t\t\t\t\t- more of it\n\t\t- -\n\t\t\t- Four\n"
        "\t- Leaves\n\t\t- -\n\t\t\t- Five\n\t- Six\n"
    )
    assert [(item.heading_level, item.text, item.location) for item in source.highlights] == [
        (0, "One", 1), (1, "Roots", None), (0, "Two", 2), (2, "Rhizoids", None), (0, "Three\n    - more of it", None), (0, "Four", None),
        (1, "", None), (1, "Leaves", None), (0, "Five", None), (1, "", None), (0, "Six", None),
    ]  # fmt: skip


def test_a_link_that_is_only_its_words_goes_and_a_citation_does_not() -> None:
    found = parse("# T\n## Highlights\n- One (View Highlight)\n- Two (view from above)\n- Three (Page 3)\n").highlights
    assert [item.text for item in found] == ["One", "Two (view from above)", "Three"]


def test_a_heading_with_a_time_is_a_chapter_elsewhere() -> None:
    found = parse("# T\n## Highlights\n### [04:47] Leaves\n- One\n").highlights
    assert [(item.text, item.heading_level) for item in found] == [("[04:47] Leaves", 1), ("One", 0)]


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


def make_folder(folder: Path) -> Path:
    (folder / "Books").mkdir(parents=True)
    (folder / "Books" / "Odd “name” #1 % 📚?.md").write_text(OFFICIAL, encoding="utf-8")
    (folder / "Articles").mkdir()
    (folder / "Articles" / "Plain.md").write_text("## Highlights\n- Only one\n", encoding="utf-8")
    (folder / "Readwise Syncs.md").write_text("log", encoding="utf-8")
    (folder / ".obsidian").mkdir()
    (folder / ".obsidian" / "x.md").write_text(OFFICIAL, encoding="utf-8")
    return folder


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
    sources, warnings = markdown_export.read_markdown(documents)
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
    ],
)
def test_files_that_are_no_exports(library: Library, tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Invalid) as caught:
        import_readwise(library, path=tmp_path / name)
    assert expected in caught.value.message
    assert caught.value.hint
    assert library.sources.all() == []


def test_one_unreadable_file_stops_a_folder(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Readwise")
    (folder / "Books" / "bad.md").write_bytes(b"## Highlights\n- caf\xe9\n")
    with pytest.raises(Invalid, match=r"Books/bad\.md, line 2: byte 0xe9"):
        import_readwise(library, path=folder)
    assert library.sources.all() == []


def test_other_exports_beside_a_markdown_export_are_named(library: Library, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "Downloads")
    (folder / "readwise-data.csv").write_text("Highlight,Book Title\nWords,Another book\n", encoding="utf-8")
    report = import_readwise(library, path=folder)
    assert (report.origin, report.added) == ("markdown", 8)
    assert "1 file beside the Markdown export left out: readwise-data.csv" in report.warnings[-1]


def test_a_damaged_archive_is_told(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.md", OFFICIAL * 20)
    data = bytearray(path.read_bytes())
    start = data.index(b"x.md") + 24
    data[start : start + 40] = bytes(byte ^ 0xFF for byte in data[start : start + 40])
    path.write_bytes(data)
    with pytest.raises(Invalid, match="damaged"):
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
