"""Tokens: spans join up to the input for any bytes, each construct is told apart, and nothing takes more than linear time."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from notewright.vault.tokens import KINDS, Token, tokenize, tokenize_inline

GOLDEN = Path(__file__).parent / "golden"
CONSTRUCTS = sorted(GOLDEN.glob("*.md"))
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def listing(data: bytes) -> str:
    """One line a token: kind, depth and level where they are not 0, the bytes as Python writes them."""
    lines = []
    for token in tokenize(data):
        marks = (f" depth={token.depth}" if token.depth else "") + (f" level={token.level}" if token.level else "")
        lines.append(f"{token.kind}{marks}: {str(data[token.start : token.end])[2:-1]}\n")
    return "".join(lines)


def is_exact(data: bytes, tokens: tuple[Token, ...]) -> bool:
    borders = [0, *(token.end for token in tokens)]
    starts = [*(token.start for token in tokens), len(data)]
    return borders == starts and all(token.start < token.end and token.kind in KINDS for token in tokens)


@pytest.mark.parametrize("path", CONSTRUCTS, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """With UPDATE_GOLDEN=1 in the environment the listings are written anew; look at the difference before you keep it."""
    found = listing(path.read_bytes())
    expected = path.with_suffix(".tokens")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8", newline="")
    assert found == expected.read_text(encoding="utf-8")


def test_every_kind_has_a_golden_file() -> None:
    shown = {line.split(" ")[0].split(":")[0] for path in GOLDEN.glob("*.tokens") for line in path.read_text(encoding="utf-8").splitlines()}
    assert shown == set(KINDS)


def spliced(luck: random.Random, constructs: list[bytes]) -> bytes:
    """Pieces of the golden files, cut anywhere and joined by anything."""
    joints = (
        b"",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\r",
        b"> ",
        b"\n> ",
        b"\n- ",
        b"\n    ",
        b" ",
        b"\xff",
        b"\x00",
        b"|",
        b"\n|---|\n",
        b"%%",
        b"$$",
    )
    parts = []
    for _ in range(luck.randint(1, 8)):
        construct = luck.choice(constructs)
        start = luck.randrange(len(construct))
        parts += [construct[start : start + luck.randint(1, 40)], luck.choice(joints)]
    return b"".join(parts)


def test_spliced_constructs_round_trip() -> None:
    constructs = [path.read_bytes() for path in CONSTRUCTS]
    luck = random.Random(4)
    for _ in range(5000):
        data = spliced(luck, constructs)
        assert is_exact(data, tokenize(data)), data


# NOTEWRIGHT_EXAMPLES=100000 for the long run (docs/benchmarks.md).
@settings(max_examples=int(os.environ.get("NOTEWRIGHT_EXAMPLES", "400")))
@given(st.one_of(st.binary(max_size=200), st.text(alphabet="[]()!`$*_=~%<>{}#^|:\\\r\n\t -+1ax&\"'", max_size=120).map(str.encode)))
def test_any_bytes_round_trip(data: bytes) -> None:
    assert is_exact(data, tokenize(data))
    if data:
        assert is_exact(data, tokenize_inline(data))


@pytest.mark.parametrize("folder", ["vaults", "corpora/markdown"])
def test_real_notes_round_trip(folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"the collection of real notes ({folder}) is not beside this checkout")
    files = sorted((SHARED / folder).rglob("*.md"))
    assert files
    for path in files:
        data = path.read_bytes()
        assert is_exact(data, tokenize(data)), path


def test_the_samples_notes_round_trip(sample: Path) -> None:
    for path in sorted(sample.rglob("*.md")):
        for data in (
            path.read_bytes(),
            path.read_bytes().replace(b"\n", b"\r\n"),
            b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r"),
        ):
            assert is_exact(data, tokenize(data)), path


def test_newline_style_changes_nothing_else() -> None:
    """The same kinds in the same order, whatever ends the lines."""
    for path in CONSTRUCTS:
        data = path.read_bytes()
        if b"\r" in data:
            continue
        kinds = [(token.kind, token.depth, token.level) for token in tokenize(data)]
        for newline in (b"\r\n", b"\r"):
            assert [(token.kind, token.depth, token.level) for token in tokenize(data.replace(b"\n", newline))] == kinds, path.stem


@pytest.mark.parametrize(
    "piece",
    [
        b"[[", b"[", b"![[", b"](", b'[a](b "', b"[](<", b"$", b"$a ", b"$$", b"*", b"*a ", b"*_", b"a**b", b"%%",
        b"%% a\n\n`", b">", b"> ", b"`", b"``a`",
        b"<a '\"", b"<!--", b"<%", b"(a::", b"[a::", b"^[", b"==a", b"- ", b"* - ", b"#",
        b"|", b"|a|\n|-|\n", b"-|", b" ", b"\r", b"http://a))", b"[a]: b\n",
        b"```\n", b"<div>\n", b"---\n", b"a\n---\n", b"[![a](b)](", b"[a [b ", b"    a\n",
    ],
)  # fmt: skip
def test_long_repetitions_are_survived(piece: bytes) -> None:
    """Quadratic code would take minutes here; how long it does take is measured in benchmarks/vault.py."""
    data = piece * 20_000 + b"]: x\n"
    assert tokenize(data)[-1].end == len(data)


@pytest.mark.parametrize(
    "data", [b"- " * 20_000 + b"x" + b"\n a" * 20_000, b"> " * 20_000 + b"x" + b"\n>  a" * 20_000, b"[^a]:" + b"\n  [" * 20_000]
)
def test_depth_and_length_together_are_survived(data: bytes) -> None:
    assert is_exact(data, tokenize(data))


def test_html_ends_with_the_list_item_that_it_began_in() -> None:
    tokens = tokenize(b"- <pre>\n  a\n\ntext\n\n# One\n\n- <div>\n  b\ntext\n")
    assert [(token.start, token.end) for token in tokens if token.kind == "html_block"] == [(2, 12), (28, 37)]
    assert "heading" in [token.kind for token in tokens]


BLOCKS = {
    "fence": "fence", "code_block": "indented_code", "hr": "thematic_break", "heading_open": "heading", "list_item_open": "list_marker",
    "table_open": "table_delimiter",
}  # fmt: skip


def test_blocks_are_where_a_commonmark_parser_sees_them(sample: Path) -> None:
    """On real notes without Obsidian's own blocks, line by line."""
    files = sorted(sample.rglob("*.md"))
    for folder in ("vaults", "corpora/markdown"):
        files += sorted((SHARED / folder).rglob("*.md"))
    parser = MarkdownIt("js-default", {"html": True})
    compared = 0
    for path in files:
        data = path.read_bytes()
        if any(mark in data for mark in (b"%%", b"$$", b"<!--", b"\r")):
            continue
        tokens = tokenize(data)
        body = next((token.end for token in tokens if token.kind == "properties"), 0)
        text = "\n" * data[:body].count(b"\n") + data[body:].decode("utf-8", errors="replace")
        theirs = Counter(
            (BLOCKS[token.type] if token.markup not in ("=", "-") or token.type != "heading_open" else "underline", token.map[0])
            for token in parser.parse(text)
            if token.type in BLOCKS and token.map
        )
        ours: Counter[tuple[str, int]] = Counter()
        number = 0
        for token in tokens:
            if token.kind in BLOCKS.values():
                ours[token.kind, number - (token.kind == "table_delimiter")] += 1
            number += data.count(b"\n", token.start, token.end)
        underlines = sum(token.kind == "heading_underline" for token in tokens)
        assert underlines == sum(count for (kind, _), count in theirs.items() if kind == "underline"), path
        assert ours == Counter({key: count for key, count in theirs.items() if key[0] != "underline"}), path
        compared += len(ours)
    assert compared > 100
