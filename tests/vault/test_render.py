"""Previews show what Obsidian's reading view shows: one test per construct, over a small vault on the disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.cli import main
from notewright.vault.index import build_index
from notewright.vault.parts import CALLOUT_KINDS
from notewright.vault.render import Preview, render
from notewright.vault.resolve import VaultFiles

NOTES = {
    "Target.md": "---\na: 1\n---\nIntro\n\n# One\nfirst\n## Inner\ninside\n# Two\nsecond ^para\n\n- item\n- listed ^item\n  - child\n\n"
    "> quoted\n\n^quote\n",
    "Items.md": "- t1\n\t- sub ^sub1\n\t  going on\n\n\t\t- below\n\t- next\n- t2\n\n"
    "> - q\n>   - in a quote ^q1\n>     - deep\n> - r\n\n1. one\n\n   two ^two\n",
    "Folder/Deep.md": "deep ![[Target#^para]]",
    "Loop.md": "loop ![[Loop]] ![[Other loop]]",
    "Other loop.md": "![[Loop]]",
    "pics/a b.png": "",
    "c.pdf": "",
    **{f"chain {number}.md": f"level {number}\n\n![[chain {number + 1}]]" for number in range(9)},
    "bomb.md": "![[b1]]\n" * 10,
    **{f"b{number}.md": f"![[b{number + 1}]]\n" * 10 for number in range(1, 5)},
    "b5.md": "end",
}


@pytest.fixture
def show(tmp_path: Path):
    vault = tmp_path / "vault"
    for name, text in NOTES.items():
        (vault / name).parent.mkdir(parents=True, exist_ok=True)
        (vault / name).write_text(text, encoding="utf-8")
    resolver = VaultFiles(vault, build_index(vault))

    def shown(text: str | bytes, **options) -> Preview:
        return render(text, note_path="Here.md", resolver=resolver, attachment_url=lambda path: f"/files/{path}", **options)

    return shown


def flat(html: str) -> str:
    """Without byte spans, `rel` and line breaks between tags."""
    return re.sub(r' data-(?:start|end)="\d+"| rel="[^"]*"|(?<=>)\n(?=<|$)', "", html)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a **b** *c* ~~d~~ ==e== \\*f\\*", "<p>a <strong>b</strong> <em>c</em> <s>d</s> <mark>e</mark> *f*</p>"),
        ("==a **b** c== ==d==", "<p><mark>a <strong>b</strong> c</mark> <mark>d</mark></p>"),
        ("**open ==**x**== a", "<p>**open <mark><strong>x</strong></mark> a</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("a %%hidden%% b\n\n%%\n# no\n%%", "<p>a  b</p>"),
        ("a <!-- no --> b", "<p>a  b</p>"),
        ("a ^block-1", "<p>a</p>"),
        ("$a<b$ and $$c$$", '<p><span class="math math-inline">a&lt;b</span> and <span class="math math-block">c</span></p>'),
        ("$$\n- x\n\n# y\n$$", '<div class="part"><div class="math math-block">- x\n\n# y</div></div>'),
        ("`a <b> [[c]]`", "<p><code>a &lt;b&gt; [[c]]</code></p>"),
        ("#tag/x", '<p><a class="tag" data-tag="tag/x">#tag/x</a></p>'),
        ("---", "<hr>"),
        ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        ("    code\n\n      more", '<div class="part"><pre><code>code\n\n  more</code></pre></div>'),
        ("```mermaid\nA-->B\n```", '<div class="part"><pre class="mermaid">A--&gt;B</pre></div>'),
        ("<kbd>K</kbd>", "<p><kbd>K</kbd></p>"),
        (
            "Key:: v",
            '<p><span class="inline-field" data-key="Key"><span class="inline-field-key">Key</span></span> v</p>',
        ),
    ],
)
def test_constructs(text: str, expected: str, show) -> None:
    assert flat(show(text).html).strip() == expected


def test_tasks_keep_their_character(show) -> None:
    html = flat(show("- [ ] a\n- [x] b\n- [?] c\n- [✓] d").html)
    assert '<li class="task-list-item" data-task=" ">' in html
    assert '<li class="task-list-item is-checked" data-task="?">' in html
    assert 'data-task="✓"' in html
    assert '<li class="task-list-item is-checked" data-task="&gt;">' in flat(show("- [>] later").html)
    assert html.count("checked=") == 3
    assert "disabled" in html


@pytest.mark.parametrize(("name", "kind"), [*CALLOUT_KINDS.items(), ("unheard-of", "note")])
def test_callout_types(name: str, kind: str, show) -> None:
    html = show(f"> [!{name.upper()}]\n> Body").html
    assert f'data-callout="{name}" data-callout-kind="{kind}"' in html
    assert f'<span class="callout-title-inner">{name.replace("-", " ").capitalize()}</span>' in html


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("> [!note]\nOne *two*\nthree\n\nAfter", "<p>One <em>two</em><br>\nthree</p>"),
        ("> [!note] Title\n    far in\n> more", "<p>far in<br>\nmore</p>"),
        ("> > [!note]\nOne", "<p>One</p>"),
        ("> [!note]\n\nAfter", ""),
        ("> [!note]\n- item", ""),
        ("> [!note]\n# Heading", ""),
        ("> [!note]\n| a | b |\n| - | - |\n| 1 | 2 |", ""),
    ],
)
def test_text_below_a_title_goes_on_with_its_callout(text: str, body: str, show) -> None:
    found = re.search(r'<div class="callout-content">\n?(.*?)\n?</div>', show(text).html, re.DOTALL)
    assert found
    assert flat(found[1]) == body


def test_callouts_fold_and_nest_and_keep_their_blocks_apart(show) -> None:
    html = show("> [!tip|wide]- A *title*\n> text\n> ---\n> - x\n>\n> > [!bug]+ In\n> > ```\n> > c\n> > ```\n\nafter").html
    assert '<details class="callout is-collapsible" data-callout="tip"' in html
    assert 'data-callout-metadata="wide"' in html
    assert "A <em>title</em>" in html
    assert re.search(r"<h2[^>]*>text</h2>", html)  # as CommonMark has it: a line of --- under a paragraph
    assert re.search(r'<details[^>]*data-callout="bug"[^>]* open', html)
    assert "<code>c</code>" in html
    assert html.index("</details>") < html.index("after")


def test_links_are_resolved(show) -> None:
    html = show("[[Target]] [[Nowhere|x *y*]] [[Target#One|z]] [m](Folder/Deep.md) [n](no.md) [o](https://e.org) https://e.org/a_(b).").html
    assert '<a class="internal-link" data-href="Target" data-path="Target.md"' in html
    assert '<a class="internal-link is-unresolved" data-href="Nowhere" data-path=""' in html
    assert "x <em>y</em></a>" in html
    assert 'data-href="Target#One"' in html
    assert 'data-path="Folder/Deep.md"' in html
    assert 'is-unresolved" data-href="no.md"' in html
    assert '<a class="external-link" href="https://e.org" target="_blank"' in html
    assert 'href="https://e.org/a_(b)"' in html


def test_reference_links(show) -> None:
    html = flat(show("[a][One] [one] [none]\n\n[one]: https://e.org 'T'").html)
    assert html.count('href="https://e.org"') == 2
    assert "[none]" in html
    assert "'T'" not in html


def test_images_have_size_and_alignment(show) -> None:
    html = show("![[a b.png|A caption|center|600x20]] ![cap|30](pics/a%20b.png)").html
    assert 'class="internal-embed image-embed is-loaded align-center"' in html
    assert re.search(r'<img src="/files/pics/a b.png" alt="A caption" width="600" height="20"', html)
    assert 'alt="cap" width="30"' in html


def test_pipes_outside_an_embed_show_as_text(show) -> None:
    html = show("![[a b.png]] | center | 600").html
    assert " | center | 600" in html
    assert "align-center" not in html


def test_missing_and_other_embeds_are_named(show) -> None:
    preview = show("![[gone.png]] ![[Gone]] ![[c.pdf#page=3]] ![[Target#No]] ![[Target#^no]]")
    assert "“gone.png” could not be found." in preview.html
    assert "“Gone” is not created yet." in preview.html
    assert 'data-path="c.pdf"' in preview.html
    assert len(preview.problems) == 4


@pytest.mark.parametrize(
    ("link", "inside", "outside"),
    [
        ("Target", ["Intro", "first", "second"], ["a: 1", "metadata"]),
        ("Target#One", ["One", "first", "inside"], ["Intro", "second"]),
        ("Target#One#Inner", ["inside"], ["first", "second"]),
        ("Target#^para", ["second"], ["first", "listed", "Two"]),
        ("Target#^item", ["listed", "child"], ["second", "quoted", "<li>item"]),
        ("Items#^sub1", ["<li>\n<p>sub<br>\ngoing on</p>", "below"], ["t1", "next", "<pre>"]),
        ("Items#^q1", ["in a quote", "deep"], ["<li>r", "<li>q", "<pre>"]),
        ("Items#^two", ["<p>two</p>"], ["<pre>"]),
        ("Target#^quote", ["quoted"], ["listed", "second"]),
        ("Folder/Deep", ["deep", "second"], ["first"]),
    ],
)
def test_notes_sections_and_blocks_are_embedded(link: str, inside: list[str], outside: list[str], show) -> None:
    preview = show(f"before\n\n![[{link}]]\n\nafter")
    assert preview.problems == ()
    assert "markdown-embed" in preview.html
    assert all(word in preview.html for word in inside), preview.html
    assert not any(word in preview.html for word in outside), preview.html


def test_cycles_and_depth_and_number_are_limited(show) -> None:
    assert any("embeds itself" in problem for problem in show("![[Loop]]").problems)
    own = show("![[#Part]]\n\n# Part\npart of its own\n# Rest\n![[#Rest]]")
    assert own.html.count("part of its own") == 2
    assert own.problems == ("Here.md#Rest embeds itself",)
    chain = show("![[chain 0]]")
    assert "level 4" in chain.html
    assert "level 5" not in chain.html
    assert "level 2" in show("![[chain 0]]", depth_limit=3).html
    assert "level 3" not in show("![[chain 0]]", depth_limit=3).html
    bomb = show("![[bomb]]")
    assert len(bomb.html) < 500_000
    assert any("too many" in problem for problem in bomb.problems)


def test_of_two_footnotes_of_one_name_the_first_is_shown(show) -> None:
    html = show("a[^1] b[^2]\n\n[^1]: first\n\n[^1]: second\n\n[^2]: other\n").html
    assert "first" in html
    assert "other" in html
    assert "second" not in html


def test_footnotes_of_all_kinds(show) -> None:
    html = show("a[^1] b^[in *line* [[Target]]] c[^none]\n\n[^1]: First `x`\n").html
    assert html.count('class="footnote-ref"') == 2
    assert "in <em>line</em> <a" in html
    assert "First <code>x</code>" in html
    assert "c[^none]" in html


def test_tables_with_links(show) -> None:
    html = flat(show("| A | B |\n|:-:|--:|\n| [[Target\\|t]] | `x` |").html)
    assert '<th style="text-align:center">A</th>' in html
    assert '>t</a></td><td style="text-align:right"><code>x</code></td>' in html


def test_code_is_highlighted(show) -> None:
    assert '<span class="tok-k">def</span>' in show("```python\ndef f(): pass\n```").html
    assert "&lt;x&gt;" in show("```unheardof\n<x>\n```").html


def test_properties_are_a_table(show) -> None:
    html = show('---\ntags: [a, b]\nup: "[[Target]]"\ndone: true\nsite: https://e.org\n---\nText').html
    assert html.count("multi-select-pill") == 2
    assert 'data-path="Target.md"' in html
    assert 'type="checkbox"' in html
    assert "metadata-container" not in show("---\na: 1\n---\nText", properties=False).html
    assert show("---\na: [\n---\nText").problems


def test_line_breaks_follow_the_vaults_setting(show) -> None:
    assert "<br>" in show("one\ntwo").html
    assert "<br>" not in show("one\ntwo", strict_line_breaks=True).html


def test_remote_pictures_are_links_unless_asked_for(show) -> None:
    text = "![cap|300](https://e.org/x.png)"
    assert "<img" not in show(text).html
    assert 'href="https://e.org/x.png"' in show(text).html
    assert '<img src="https://e.org/x.png" alt="cap" width="300"' in show(text, remote_images=True).html


def test_blocks_carry_the_bytes_they_were_made_from(show) -> None:
    data = "\ufeff---\r\na: é\r\n---\r\n# Täg\r\npara\r\n\r\n> [!note] T\r\n> body\r\n\r\n- x\r\n- y\r\n\r\n```\r\nc\r\n```\r\n".encode()
    spans = {
        tag: data[int(start) : int(end)].decode()
        for tag, start, end in re.findall(r'<(\w+)[^>]*data-start="(\d+)" data-end="(\d+)"', show(data).html)
    }
    assert spans["h1"] == "# Täg"
    assert spans["ul"] == "- x\r\n- y"
    assert spans["li"] == "- y"
    assert spans["div"] == "```\r\nc\r\n```"
    assert "data-start" not in show("![[Target]]").html.partition("markdown-embed-content")[2]


MARKS = "[]()!`$*_=~%<>{}#^|:\\\n -1ax\u2e5b\ue002\u2e5c"


@settings(max_examples=150)
@given(st.binary(max_size=120) | st.text(alphabet=MARKS, max_size=80).map(str.encode))
def test_anything_can_be_shown(data: bytes) -> None:
    assert isinstance(render(data).html, str)


def test_the_command_writes_a_page_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    assert main(["init", "--vault", str(sample / "vault")]) == 0
    note = sorted((sample / "vault" / "Notes").rglob("*.md"))[0]
    target = tmp_path / "page.html"
    assert main(["vault", "show", note.stem, "--html", str(target)]) == 0
    page = target.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    assert f'<div class="inline-title">{note.stem}</div>' in page
    assert "http" not in re.sub(r'(?:href|data-\w+)="[^"]*"|>[^<]*<', "", page.partition("<body>")[2])
    assert main(["vault", "show", str(note)]) == 0
    assert main(["vault", "show", note.stem, "--tokens"]) == 0
    assert "newline" in capsys.readouterr().out
    assert main(["vault", "show", note.stem, "--parts"]) == 0
    assert "section" in capsys.readouterr().out
    assert main(["vault", "show", "No such note"]) == 1
    assert "no note" in capsys.readouterr().err


def test_escaped_pipes_in_a_table_are_pipes_in_code_and_math_too(show) -> None:
    html = show("| a | b |\n| --- | --- |\n| `x\\|y` | $p\\|q$ |\n\n`x\\|y` and $p\\|q$\n").html
    assert html.count("<code>x|y</code>") == 1
    assert html.count(">p|q<") == 1
    assert html.count("<code>x\\|y</code>") == 1
    assert html.count(">p\\|q<") == 1
