"""The parts of links, images, callouts, fences and math are read as Obsidian, its themes and its snippets read them."""

from __future__ import annotations

import pytest

from notewright.vault.views import (
    Callout,
    Fence,
    ImageView,
    MarkdownLink,
    WikiLink,
    read_callout,
    read_code,
    read_fence,
    read_field,
    read_image,
    read_markdown_link,
    read_math,
    read_wikilink,
    unquoted,
)


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("[[Note]]", WikiLink("Note", "", ()), "Note"),
        ("[[ folder/Note.md ]]", WikiLink("folder/Note.md", "", ()), "folder/Note.md"),
        ("[[Note#H1#H2]]", WikiLink("Note", "H1#H2", ()), "Note > H1 > H2"),
        ("[[#Heading]]", WikiLink("", "Heading", ()), "Heading"),
        ("[[Note#^id|text]]", WikiLink("Note", "^id", ("text",)), "text"),
        (r"[[x\|y]]", WikiLink("x", "", ("y",)), "y"),
        ("[[a|b|c]]", WikiLink("a", "", ("b", "c")), "b|c"),
        ("![[a.png | center | 600]]", WikiLink("a.png", "", (" center ", " 600")), "center | 600"),
    ],
)
def test_wikilinks(text: str, expected: WikiLink, shown: str) -> None:
    assert read_wikilink(text) == expected
    assert read_wikilink(text).shown == shown
    assert read_wikilink("[[a#^b-1]]").block == "b-1"


@pytest.mark.parametrize(
    ("text", "tail", "expected"),
    [
        ("![[a.png]]", "", ImageView("a.png")),
        ("![[a.png|300]]", "", ImageView("a.png", 300)),
        ("![[a.png|300x200]]", "", ImageView("a.png", 300, 200)),
        ("![[a.png|center|600]]", "", ImageView("a.png", 600, align="center")),
        ("![[a.png | centre | 600x10 ]]", "", ImageView("a.png", 600, 10, "center")),
        (r"![[a.png\|right\|450]]", "", ImageView("a.png", 450, align="right")),
        ("![[a.png|A caption|left]]", "", ImageView("a.png", align="left", caption="A caption")),
        ("![[a.png|A caption, center]]", "", ImageView("a.png", caption="A caption, center")),
        ("![[a.png|sban cover hs-med]]", "", ImageView("a.png", flags=("sban", "cover", "hs-med"))),
        ("![[a.png|fit rounded|w-300]]", "", ImageView("a.png", flags=("fit", "rounded", "w-300"))),
        ("![[a.png|+C|2/3]]", "", ImageView("a.png", align="center", flags=("2/3",))),
        ("![[a.png|300|500]]", "", ImageView("a.png", 500)),
        ("![[a.png]]", " | center | 600", ImageView("a.png", 600, align="center")),
        ("![alt|100x145](u.png)", "", ImageView("u.png", 100, 145, caption="alt")),
        ("![250](u.png)", "", ImageView("u.png", 250)),
        ("![Photo | center | 256](u.png 'T')", "", ImageView("u.png", 256, align="center", caption="Photo")),
        ("![](<a b.png>)", "", ImageView("a b.png")),
        ("![2001: a film](u)", "", ImageView("u", caption="2001: a film")),
    ],
)
def test_images(text: str, tail: str, expected: ImageView) -> None:
    assert read_image(text, tail) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[t](a.md)", MarkdownLink("t", "a.md")),
        ("[t](<My Note.md#A b>)", MarkdownLink("t", "My Note.md#A b")),
        ('[t](u "a title")', MarkdownLink("t", "u", "a title")),
        ("[t](u 'a')", MarkdownLink("t", "u", "a")),
        (r"[t](a\(b)", MarkdownLink("t", "a(b")),
        ("[![a](b)](c)", MarkdownLink("![a](b)", "c")),
        ("[t]()", MarkdownLink("t", "")),
        ("[a\nb](c)", MarkdownLink("a\nb", "c")),
    ],
)
def test_markdown_links(text: str, expected: MarkdownLink) -> None:
    assert read_markdown_link(text) == expected
    assert MarkdownLink("", "My%20Note.md").path == "My Note.md"


def test_callouts() -> None:
    assert read_callout("[!TIP]") == Callout("tip")
    assert read_callout("[!Note|wide left]+") == Callout("note", "wide left", "+")
    assert read_callout("[!my-type]-") == Callout("my-type", "", "-")


def test_fences() -> None:
    assert read_fence("```py title=x\na\n\nb\n```") == Fence("py title=x", "a\n\nb")
    assert read_fence("```py title=x\na\n```").language == "py"
    assert read_fence("```js\n> a\n>  b\n> ```", 1) == Fence("js", "a\n b")
    assert read_fence("~~~\r\na\r\n~~~~") == Fence("", "a")
    assert read_fence("```{r}\n  a\n  ```") == Fence("{r}", "a")
    assert read_fence("```\nopen") == Fence("", "open")
    assert read_fence("```") == Fence("", "")
    assert read_fence("```{r}\na\n```").language == "r"


def test_math_code_and_fields() -> None:
    assert read_math("$x^2$") == "x^2"
    assert read_math("$$\n> a\n> $$", 1) == "a"
    assert read_math("$$ a $$") == "a"
    assert read_code("`` a ` b ``") == "a ` b"
    assert read_code("`  `") == "  "
    assert read_code("`a\n> b`", 1) == "a b"
    assert read_field("[key:: a [[b]]]") == ("key", "a [[b]]")
    assert read_field("(key::v)") == ("key", "v")
    assert read_field("**Key**::") == ("Key", "")
    assert unquoted("a\n> > b\n> c", 2) == "a\nb\nc"
