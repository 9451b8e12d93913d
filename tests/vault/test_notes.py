"""Notes: passages carry exact byte spans and stable ids; headings that are none are not taken for some; bad input never raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notewright.errors import Invalid
from notewright.vault.notes import LONG, LONGEST, parse_note
from notewright.vault.outline import read_outline


def texts(note: str) -> list[str]:
    return [passage.text for passage in parse_note("n.md", note.encode()).passages]


def headings(note: str) -> list[str]:
    return [heading.title for heading in read_outline(note.encode()).headings]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("", []),
        ("just prose\n", ["just prose"]),
        ("\n\nprose\n\n\n", ["prose"]),
        ("# A\n\n## B\nbody\n\n\n## C\n", ["## B\nbody"]),
        ("intro\n# A\nbody\n", ["intro", "# A\nbody"]),
        ("---\ntags: [a]\n---\n#tag [[Link]] ![[x.png]]\n\n# A\nbody", ["# A\nbody"]),
        ("A\n===\nbody\n\nB\n---\nmore\n", ["A\n===\nbody", "B\n---\nmore"]),
        ("# A\n%% hidden %%\n<!-- also -->\n", []),
        ("# A\r\nbody\r\n\r\n# B\r\nmore", ["# A\r\nbody", "# B\r\nmore"]),
        ("\ufeff# A\nbody\n", ["# A\nbody"]),
        ("# A\n![[x.png]]\n", ["# A\n![[x.png]]"]),
    ],
)
def test_a_passage_is_a_headings_own_content(note: str, expected: list[str]) -> None:
    assert texts(note) == expected


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("```\n# no\n```\n# yes\n", ["yes"]),
        ("~~~~\n```\n# no\n~~~\n# no\n~~~~\n# yes", ["yes"]),
        ("> ```\n> # no\n# yes", ["yes"]),
        ("- item\n\n      ```\n      # no\n      ```\n# yes", ["yes"]),
        ("    # code\n# yes ##\n", ["yes"]),
        ("%%\n# no\n%%\n# yes", ["yes"]),
        ("<!--\n# no\n-->\n# yes", ["yes"]),
        ("$$\na\n=\nb\n$$\n# yes", ["yes"]),
        ("---\n# no: 1\n---\n# yes", ["yes"]),
        ("#tag\n####### seven\n# yes", ["yes"]),
        ("- item\n---\n> quote\n---\n| a |\n---\n\n***\n---\n", []),
        ("%% never closed\n# yes", ["yes"]),
        ("`%%` code\n# yes\n%%", ["yes"]),
        ("two\nlines\n---\n", ["two lines"]),
        ("# C#\n# C #\n#\n", ["C#", "C", ""]),
    ],
)
def test_only_headings_are_headings(note: str, expected: list[str]) -> None:
    assert headings(note) == expected


def test_trails_name_the_headings_above() -> None:
    note = parse_note("n.md", b"# Book\n## One\na\n### Deep\nb\n## Two\nc\n")
    assert [passage.headings for passage in note.passages] == [("Book", "One"), ("Book", "One", "Deep"), ("Book", "Two")]


WORDS = "word " * 60  # 300 characters
LONG_BLOCKS = {
    "a nested list": "- All of it\n" + "".join(f"\t- Item {number} {WORDS}\n\t\t- below {WORDS}\n" for number in range(200)),
    "one deeper in each line": "".join(f"{'  ' * number}- {WORDS}\n" for number in range(60)),
    "a callout": "> [!note]\n" + f"> {WORDS}\n" * 100,
    "a table": "| a | b |\n| - | - |\n" + f"| {WORDS} | x |\n" * 100,
    "a paragraph of many lines": f"{WORDS}\n" * 100,
}


@pytest.mark.parametrize("name", LONG_BLOCKS)
@pytest.mark.parametrize("head", ["", "# T\n\n"])
def test_no_block_is_longer_than_the_longest_and_nothing_of_it_is_lost(name: str, head: str) -> None:
    text = head + LONG_BLOCKS[name]
    passages = parse_note("a.md", text.encode()).passages
    assert all(len(passage.text) <= LONGEST for passage in passages)
    assert len(passages) >= len(text) / LONGEST
    assert "\n".join(passage.text for passage in passages) == text.rstrip("\n")
    assert [text.encode()[item.start : item.end].decode() for item in passages] == [item.text for item in passages]
    if name == "a nested list":  # an item stays with what is below it
        assert all(passage.text.lstrip("#T \n\t").startswith(("- All", "- Item")) for passage in passages)


def test_code_is_cut_nowhere() -> None:
    code = "```\n" + f"{WORDS}\n" * 100 + "```"
    passages = parse_note("a.md", f"- One\n{WORDS}\n\n{code}\n".encode()).passages
    assert [passage.text for passage in passages][-1] == code


def test_long_sections_are_cut_at_block_borders() -> None:
    paragraph = "word " * 100 + "end."
    fence = "```\n" + "code\n\n" * 600 + "```"
    note = "# A\n" + "\n\n".join([paragraph] * 20) + "\n\n" + fence + "\n\n" + "\n".join("- " + paragraph for _ in range(12)) + "\n"
    parsed = parse_note("n.md", note.encode())
    assert len(parsed.passages) > 8
    assert all(len(passage.text) <= LONG + 600 or "```" in passage.text for passage in parsed.passages)
    assert [passage.text for passage in parsed.passages if "code" in passage.text] == [fence]
    assert len({passage.id for passage in parsed.passages}) == len(parsed.passages)
    joined = "".join(passage.text for passage in parsed.passages)
    assert "".join(joined.split()) == "".join(note.split())


def test_ids_survive_edits_elsewhere() -> None:
    before = parse_note("n.md", b"# A\na\n# B\nb\n# B\nagain\n")
    after = parse_note("n.md", b"intro\n\n# A\nchanged a lot\n# B\nb\n# B\nagain\n")
    assert [item.id for item in before.passages] == [item.id for item in after.passages][1:]
    assert parse_note("other.md", b"# A\na\n").passages[0].id != before.passages[0].id


def test_properties_aliases_and_links_are_read() -> None:
    note = parse_note(
        "Folder/My note.md",
        b"---\ntitle: T\naliases: [One, 2]\nrelated: '[[Prop|x]]'\nday: 2024-01-02\n1: one\n---\n"
        b"[[Note#Part|alias]] ![[pic.png|center|600]] [t](Other%20Note.md) [u](<a b.md>) see https://example.org/a?b=1). <https://b.org>\n"
        b'{{< ref "/post/x.md#id12" >}}\n```\n[[not this]]\n```\n',
    ).note
    assert note.title == "My note"
    assert note.aliases == ("One", "2")
    assert note.properties["title"] == "T"
    assert note.properties["day"] == "2024-01-02"
    assert note.properties["1"] == "one"
    assert set(note.links) == {
        "Prop", "Note#Part", "pic.png", "Other%20Note.md", "a b.md", "https://example.org/a?b=1", "https://b.org", "/post/x.md#id12"
    }  # fmt: skip


@pytest.mark.parametrize(
    "yaml",
    [
        "a: b: c", "a: [1", "\ttab: 1", "- just\n- a list", "a: &x [*x]", "d: 2024-13-45", "!!python/object:os.system {}", "? {a: 1}\n: x",
        "a: 'x",
        "x: 1:2:3", "a: .nan", "b: .inf", "a: 0o9", "t: 2001-12-14t21:59:43.10-99:00",
        "a: &a [x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d]",
    ],
)  # fmt: skip
def test_odd_properties_never_raise(yaml: str) -> None:
    parsed = parse_note("n.md", f"---\n{yaml}\n---\n# A\nbody\n".encode())
    assert parsed.passages[0].text == "# A\nbody"
    assert parsed.note.properties or parsed.findings


def test_duplicate_keys_do_not_hide_the_rest() -> None:
    assert parse_note("n.md", b"---\na: 1\na: 2\nb: 3\n---\n").note.properties["b"] == 3


def test_bytes_that_are_not_utf8_are_named_by_line() -> None:
    with pytest.raises(Invalid, match="line 2"):
        parse_note("n.md", b"fine\n\xff\xfe\n")


PIECES = st.sampled_from(
    ["# A", "## B ##", "text", "", "- x", "> q", "```", "````", "~~~", "%%", "<!--", "-->", "$$", "---", "===", "    code", "é 😀", "| a |",
     "a: b",
     "> ```", "  ", "#", "- ```", "\u2028", "\ufeff", "%% a %%", "1. y", "*" * 60, "x" * 900, "\x0c", "\x85"]
)  # fmt: skip


@settings(max_examples=500)
@example([("\x0c", "\n"), ("1. y", "\n"), *[("x" * 900, "\n")] * 3], False)
@given(st.lists(st.tuples(PIECES, st.sampled_from(["\n", "\r\n", "\r", ""])), max_size=25), st.booleans())
def test_spans_are_exact_ordered_and_leave_out_only_what_says_nothing(parts: list[tuple[str, str]], bom: bool) -> None:
    data = (("\ufeff" if bom else "") + "".join(line + newline for line, newline in parts)).encode()
    outline = read_outline(data)
    assert b"".join(data[line.start : line.end] for line in outline.lines) == data
    parsed = parse_note("n.md", data)
    end = outline.body
    spans = []
    for passage in parsed.passages:
        assert passage.start >= end
        assert data[passage.start : passage.end].decode() == passage.text
        assert passage.text.strip()
        end = passage.end
        spans.append((passage.start, passage.end))
    assert len({passage.id for passage in parsed.passages}) == len(spans)
    quiet = {"blank", "heading", "underline", "comment", "properties"}
    headed = False
    for line in outline.lines:
        headed = headed or line.kind == "heading"
        inside = any(start <= line.start < stop for start, stop in spans)
        if headed and not inside and data[line.start : line.end].decode().strip():
            assert line.kind in quiet or (line.kind == "text" and (b"%%" in data or b"<!--" in data))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_outline(data: bytes) -> None:
    outline = read_outline(data)
    assert b"".join(data[line.start : line.end] for line in outline.lines) == data


@settings(max_examples=300)
@given(st.text(max_size=80))
def test_any_yaml_is_survived(yaml: str) -> None:
    note = f"---\n{yaml}\n---\nx\n".encode("utf-8", errors="ignore")
    parse_note("n.md", note)


def test_every_note_of_the_real_vaults_is_read(shared_data: Path) -> None:
    count = 0
    for path in sorted((shared_data / "vaults").rglob("*.md")):
        data = path.read_bytes()
        parsed = parse_note(path.name, data)
        for passage in parsed.passages:
            assert data[passage.start : passage.end].decode() == passage.text
            count += 1
    assert count > 1000
