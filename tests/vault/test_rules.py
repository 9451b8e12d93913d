"""Lint of notes: each rule on what it is about, silence on what is fine, fixes only where they are safe."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.vault.index import VaultIndex, build_index
from notewright.vault.property_rules import read_types
from notewright.vault.rules import RULES, SEVERITIES, check_note

TYPES = {"rating": "number", "done": "checkbox", "date": "date", "at": "datetime", "author": "text", "things": "multitext"}
FINE = """---
tags: [a/b, 2024-x]
aliases:
  - One
rating: 4
done: false
date: 2024-03-01
at: 2024-03-01T09:30:00
author: "[[Someone]]"
things: [1, 2]
---
# Title #tag
> [!quote]- p. 12
> Text costs $5 or $6, $HOME too, and `$x` $x^2$.

- [ ] a task [[Note#Part|x]] ![[pic.png|center|600]] ^id-1
- 100 %% of it %% `[[` and issue #12, a [^1] ^[note] (key:: value)
%%bash

| a | b |
|---|---|
| [[Note\\|x]] | ![[pic.png]] |

<% tp.file.title %> [[<% tp.x %>]] {{title}} [[{{title}}]]
```dataview
LIST FROM [[Nope]] WHERE $
```
[web](https://x.org/a.md) [mail](mailto:a@b.org) [site](/images/x.png) [here](#part) ![](https://x.org/y.png)
$$
a
$$

#one #two

[^1]: text
__text__
"""


@pytest.fixture
def index(tmp_path: Path) -> VaultIndex:
    (tmp_path / "Note.md").write_text("# Part\ntext ^here\n")
    (tmp_path / "pic.png").write_bytes(b"")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Twin.md").write_text("")
    return build_index(tmp_path)


def found(text: str, index: VaultIndex | None = None) -> list[tuple[str, str]]:
    data = text.encode()
    return [(item.rule, data[item.start : item.end].decode()) for item in check_note("n.md", data, index=index, types=TYPES)]


def test_a_fine_note_has_no_findings(index: VaultIndex) -> None:
    assert found(FINE, index) == []
    assert found(FINE.replace("\n", "\r\n"), index) == []


@pytest.mark.parametrize(
    ("text", "rule", "span"),
    [
        ("a\n```py\ncode\n", "unclosed-fence", "```py"),
        ("text\n\n$$\nx = 1\n", "unclosed-math", "$$"),
        ("so $\\frac{1}{2} is open", "unclosed-math", "$"),
        ("text %% hidden\nmore", "unclosed-comment", "%%"),
        ("text <!-- hidden\nmore", "unclosed-comment", "<!--"),
        ("> [!quo", "callout-header", "> [!quo"),
        ("[!note] Title\n> text", "callout-header", "[!note] Title"),
        ("see [[Note", "broken-markup", "see [[Note"),
        ("see Note]]", "broken-markup", "see Note]]"),
        ("see [[]]", "broken-markup", "see [[]]"),
        ("see [x](https://exa", "broken-markup", "see [x](https://exa"),
        ("![[gone.png|600]]", "missing-file", "![[gone.png|600]]"),
        ("![](gone.png)", "missing-file", "![](gone.png)"),
        ("see [[Gone]]", "missing-note", "[[Gone]]"),
        ("see [x](Gone.md)", "missing-note", "[x](Gone.md)"),
        ("see [[Note#Nope]]", "missing-heading", "[[Note#Nope]]"),
        ("see [[#Nope]]", "missing-heading", "[[#Nope]]"),
        ("see [[Note#^gone]]", "missing-block", "[[Note#^gone]]"),
        ("see [[Twin]]", "ambiguous-link", "[[Twin]]"),
        ("![[pic.png]] | center | 600", "embed-tail", "![[pic.png]] | center | 600"),
        ("text\n\n#a #1984\n", "invalid-tag", "#1984"),
        ("---\ntags: [1984]\n---\n", "invalid-tag", "tags: [1984]"),
        ("---\ntags:\n  - two words\n---\n", "invalid-tag", "tags:"),
        ("text ^my_id", "invalid-block-id", "^my_id"),
        ("one ^a\n\ntwo ^A\n", "duplicate-block-id", "^A"),
        ("---\na: b: c\n---\n", "invalid-properties", "a: b: c\n"),
        ("---\na: 1\nb: 2\na: 3\n---\n", "duplicate-property", "a: 3"),
        ("---\nrating: high\n---\n", "property-type", "rating: high"),
        ("---\ndone: maybe\n---\n", "property-type", "done: maybe"),
        ("---\ndate: 1 March\n---\n", "property-type", "date: 1 March"),
        ("---\nat: noon\n---\n", "property-type", "at: noon"),
        ("---\nauthor: [a, b]\n---\n", "property-type", "author: [a, b]"),
        ("---\nthings: {a: 1}\n---\n", "property-type", "things: {a: 1}"),
        ("---\nauthor: [[Someone]]\n---\n", "property-link", "author: [[Someone]]"),
    ],
)
def test_each_rule_finds_what_it_is_about(index: VaultIndex, text: str, rule: str, span: str) -> None:
    note = text if "#Nope]]" not in text or "Note" in text else f"# Here\n{text}"
    assert (rule, span) in [(one, words.rstrip("\r")) for one, words in found(note, index)]
    assert len({one for one, _ in found(note, index)}) == 1


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("x\n![[pic.png]] | center | 600\n", "x\n![[pic.png|center|600]]\n"),
        ("![[pic.png|dark]] |center\n", "![[pic.png|dark|center]]\n"),
        ("---\nauthor: [[A]]\r\nb: 1\n---\n", '---\nauthor: "[[A]]"\r\nb: 1\n---\n'),
        ("[!note] T\n> x", "> [!note] T\n> x"),
    ],
)
def test_a_fix_is_shown_and_leaves_nothing_to_find(index: VaultIndex, text: str, fixed: str) -> None:
    data = text.encode()
    (finding,) = check_note("n.md", data, index=index)
    assert finding.fix is not None
    changed = data[: finding.start] + finding.fix.encode() + data[finding.end :]
    assert changed == fixed.encode()
    assert check_note("n.md", changed, index=index) == ()


def test_lines_and_severities_are_told(index: VaultIndex) -> None:
    findings = check_note("n.md", b"one\r\ntwo [[Gone]]\n\n![[gone.png]]\n", index=index)
    assert [(item.line, item.severity, item.rule) for item in findings] == [(2, "info", "missing-note"), (4, "error", "missing-file")]
    assert check_note("n.md", b"a\nb \xff")[0].rule == "not-utf8"
    assert check_note("n.md", b"a\nb \xff")[0].line == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"types": 3}', '{"types": {"a": 1}}'])
def test_broken_types_are_no_types(tmp_path: Path, text: str) -> None:
    (tmp_path / ".obsidian").mkdir()
    (tmp_path / ".obsidian/types.json").write_text(text)
    assert read_types(tmp_path) in ({}, {"a": "1"})
    assert read_types(tmp_path / "gone") == {}


_PIECES = st.sampled_from(
    [
        "---\n",
        "a: ",
        "tags: [",
        "]",
        "[[",
        "]]",
        "![[",
        "|",
        "$",
        "$$",
        "%%",
        "```\n",
        "> [!x]",
        "^a_b",
        "#1",
        "\n",
        "\r\n",
        "x",
        " ",
        "\\",
        "<!--",
    ]
)


@given(st.one_of(st.binary(), st.lists(_PIECES).map(lambda parts: "".join(parts).encode())))
def test_no_bytes_raise(data: bytes) -> None:
    for item in check_note("a/n.md", data, index=VaultIndex(paths=["a/n.md", "x.md"]), types=TYPES):
        assert 0 <= item.start <= item.end <= len(data)
        assert item.rule in RULES
        assert item.severity in SEVERITIES
