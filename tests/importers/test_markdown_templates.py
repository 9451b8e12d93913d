"""Markdown exports by people's own templates and by other programs: Hypothesis, Kindle notebooks, Snipd, Logseq."""

from __future__ import annotations

import pytest

from markdown_exports import ULID, parse


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
