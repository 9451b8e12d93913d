"""One file of a Markdown export by the official template: its fields, chapters, code, and what people and converters leave of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from markdown_exports import OFFICIAL, ULID, link, parse
from notewright.importers import import_readwise
from notewright.importers.markdown_file import read_markdown_file
from notewright.library import Library


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


@pytest.mark.parametrize(
    ("text", "stem"),
    [("# A note\nwith words\n- and a list\n", "x"), ("# Readwise Syncs\n- 3 highlights\n", "Readwise Syncs"), ("## Highlights\n", "x")],
)
def test_other_notes_are_no_exports(text: str, stem: str) -> None:
    assert read_markdown_file(text, stem=stem).source is None


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


def test_a_link_that_is_only_its_words_goes_and_a_citation_does_not() -> None:
    found = parse("# T\n## Highlights\n- One (View Highlight)\n- Two (view from above)\n- Three (Page 3)\n").highlights
    assert [item.text for item in found] == ["One", "Two (view from above)", "Three"]
