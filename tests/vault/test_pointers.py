"""What names a highlight names the one that its line rests on: addresses and block ids are set right, or go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewright.gates import Habits, check
from notewright.records import Highlight
from notewright.vault.pointers import stand_in
from notewright.vault.repair import name_highlights, repair_draft

READ = "https://read.readwise.io/read/"
BENDS = Highlight(
    "The engineers of Varde removed forty bends from a river.", id="h1", url=f"{READ}01gzaaaaaaaaaaaaaaaaaaaaaa",
    outside_ids=("readwise:5151",),
)  # fmt: skip
FLOOD = Highlight(
    "A straight river is an argument that has not met its flood.", id="h2", annotation="Compare with canals in the delta",
    url=f"{READ}01gzbbbbbbbbbbbbbbbbbbbbbb", outside_ids=("reader:01gzbbbbbbbbbbbbbbbbbbbbbb", "readwise:5252"),
)  # fmt: skip
KINDLE = Highlight(
    "Meadows held the water of the spring until the summer came.", id="readwise:5353", location=223, location_type="location",
    url="https://readwise.io/to_kindle?action=open&asin=B000000001&location=223",
)  # fmt: skip
BARE = Highlight("Ditches and drains carried the last frogs out to the sea.", id="sha256:1")
ALL = (BENDS, FLOOD, KINDLE, BARE)
FALSE = f"{READ}01gzcccccccccccccccccccccc"


def repaired(text: str, linked: frozenset[str] = frozenset()) -> str:
    return repair_draft(text, highlights=ALL, linked=linked).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"- {BENDS.text} ([View Highlight]({FALSE}))\n- {FLOOD.text} ([View Highlight]({FALSE}))",
         f"- {BENDS.text} ([View Highlight]({BENDS.url}))\n- {FLOOD.text} ([View Highlight]({FLOOD.url}))"),
        (f"- {BENDS.text} ([View Highlight]({FLOOD.url}))", f"- {BENDS.text} ([View Highlight]({BENDS.url}))"),
        (f"{BENDS.text} ([View]({FALSE})) {FLOOD.text} ([View]({FALSE}))",
         f"{BENDS.text} ([View]({BENDS.url})) {FLOOD.text} ([View]({FLOOD.url}))"),
        (f"> [!quote] [View Highlight]({FALSE})\n> {FLOOD.text}", f"> [!quote] [View Highlight]({FLOOD.url})\n> {FLOOD.text}"),
        (f"{FLOOD.text}\n\nCompare with canals\n[View Highlight]({FALSE})\n\n---\n\n{BENDS.text}\n\n[View Highlight]({FALSE})\n",
         f"{FLOOD.text}\n\nCompare with canals\n[View Highlight]({FLOOD.url})\n\n---\n\n{BENDS.text}\n\n[View Highlight]({BENDS.url})\n"),
        (f"- {FLOOD.text} [↗](https://readwise.io/open/999999)", f"- {FLOOD.text} [↗](https://readwise.io/open/5252)"),
        (f"- {KINDLE.text} ([Location 223](https://readwise.io/to_kindle?location=0))", f"- {KINDLE.text} ([Location 223]({KINDLE.url}))"),
        (f"- {FLOOD.text} <{FALSE}>", f"- {FLOOD.text} <{FLOOD.url}>"),
        (f"| a | b |\n|---|---|\n| {FLOOD.text} | [V]({FALSE}) |", f"| a | b |\n|---|---|\n| {FLOOD.text} | [V]({FLOOD.url}) |"),
    ],
)  # fmt: skip
def test_an_address_becomes_that_of_the_highlight_which_its_line_rests_on(text: str, expected: str) -> None:
    assert repaired(text) == expected
    assert repaired(expected) == expected
    assert name_highlights(text, highlights=ALL) == expected
    gates = {finding.gate for finding in check(expected, highlights=ALL, habits=Habits(60, {}, {}))}
    assert not gates & {"invented asset", "wrong reference", "invented name"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"- {BARE.text} ([View Highlight]({FALSE}))\n- b", f"- {BARE.text}\n- b"),
        (f"- {BARE.text} [Open in Readwise]({FALSE}) ^rw77", f"- {BARE.text}"),
        (f"{BARE.text}\n\n[View Highlight]({FALSE})\n\nMore.", f"{BARE.text}\n\nMore."),
        (f"- {BARE.text}\n  - [View Highlight]({FALSE})\n- b", f"- {BARE.text}\n- b"),
        (f"- {BARE.text} ([Location 12]({FALSE}))", f"- {BARE.text} (Location 12)"),
        (f"- {BARE.text} ([source](https://evil.example.net/q))", f"- {BARE.text}"),
        (f"- {BARE.text} {FALSE}", f"- {BARE.text}"),
        (f"- Because [he says so]({FALSE}) himself, in his own words.", "- Because he says so himself, in his own words."),
        (f"- {BENDS.text} {FLOOD.text} ([View Highlight]({FALSE}))", f"- {BENDS.text} {FLOOD.text}"),
    ],
)
def test_an_address_that_nothing_tells_goes_with_its_label(text: str, expected: str) -> None:
    assert repaired(text) == expected


def test_another_form_of_address_is_put_in_only_where_the_notes_have_it() -> None:
    text = f"- {KINDLE.text} ([View Highlight]({FALSE}))"
    assert repaired(text) == f"- {KINDLE.text}"
    known = frozenset({"https://readwise.io/to_kindle?action=open&asin=B0&location=1"})
    assert repaired(text, known) == f"- {KINDLE.text} ([View Highlight]({KINDLE.url}))"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"- {BENDS.text} ^rw987654321\n- {FLOOD.text} ^rw0", f"- {BENDS.text} ^rw5151\n- {FLOOD.text} ^rw5252"),
        (f"- {BENDS.text} ^rw5252", f"- {BENDS.text} ^rw5151"),
        (f"- {FLOOD.text} ^rwhi1\n  - Compare with canals in the delta ^rwhi1-note",
         f"- {FLOOD.text} ^rwhi5252\n  - Compare with canals in the delta ^rwhi5252-note"),
        (f"- {BARE.text} ^rw987654321\n- b", f"- {BARE.text}\n- b"),
        (f"- {BENDS.text} ^rw5151\n- {BENDS.text.replace('removed', 'took')} ^rw5151",
         f"- {BENDS.text} ^rw5151\n- {BENDS.text.replace('removed', 'took')}"),
        (f"> {FLOOD.text}\n\n^rw0\n\nMore.", f"> {FLOOD.text}\n\n^rw5252\n\nMore."),
        (f"- {BENDS.text} ^a1\n- {FLOOD.text} ^A1", f"- {BENDS.text} ^a1\n- {FLOOD.text}"),
        (f"- {BENDS.text} ^987654321", f"- {BENDS.text} ^5151"),
        (f"- {BENDS.text} ^bends-1 \n- {FLOOD.text} ^1234", f"- {BENDS.text} ^bends-1 \n- {FLOOD.text} ^1234"),
    ],
)  # fmt: skip
def test_a_block_id_becomes_that_of_the_highlight_or_goes(text: str, expected: str) -> None:
    assert repaired(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"- {BENDS.text} ^rw987654321",
        f"- {BENDS.text} ^rw5252",
        f"- {BENDS.text} ^rw5151\n- {BENDS.text.replace('removed', 'took')} ^rw5151",
        f"- {BENDS.text} ^a1\n- {FLOOD.text} ^A1",
        f"- {BENDS.text} ([View Highlight]({FLOOD.url}))",
        f"- {BENDS.text} [↗](https://readwise.io/open/5252)",
    ],
)
def test_what_names_another_highlight_is_found(text: str) -> None:
    found = check(text, highlights=ALL, habits=Habits(60, {}, {}))
    assert [(finding.gate, finding.severity) for finding in found] == [("wrong reference", "block")]


@pytest.mark.parametrize(
    "target",
    ["https://readwise.io/open/5151", BENDS.url, "kindle://book?action=open&asin=B000000001&location=223"],
)
def test_where_a_shown_highlight_is_read_is_known(target: str) -> None:
    text = f"- {(KINDLE if 'kindle' in target else BENDS).text} [↗]({target})"
    assert repaired(text) == text
    assert check(text, highlights=ALL) == ()


def test_an_article_that_all_share_names_none_of_them() -> None:
    shared = [Highlight(item.text, id=item.id, url="https://example.org/blog/rivers") for item in ALL]
    text = f"- {BENDS.text} ([blog](https://example.org/blog/rivers))\n- x ([blog](https://example.org/blog/rivers))"
    assert repair_draft(text, highlights=shared).text == text


def test_an_app_that_gives_each_highlight_an_address_is_understood() -> None:
    snips = [Highlight(item.text, id=item.id, url=f"https://share.snipd.com/snip/{item.id[-1]}x") for item in ALL]
    text = f"- {FLOOD.text} [Play](https://share.snipd.com/snip/9f8e7d6c)"
    assert repair_draft(text, highlights=snips).text == f"- {FLOOD.text} [Play](https://share.snipd.com/snip/2x)"


def test_what_training_shows_is_filled_in_again() -> None:
    gold = (
        f"- {BENDS.text} ([View Highlight]({BENDS.url})) ^rw5151\n- {KINDLE.text} ([Location 223]({KINDLE.url}))\n"
        f"- {FLOOD.text} [↗](https://readwise.io/open/5252) ^rwhi5252\n"
    )
    taught = stand_in(gold)
    assert not any(name in taught for name in ("01gz", "5151", "5252", "B000000001"))
    assert stand_in(taught) == taught
    assert repaired(taught) == gold


@given(st.text(alphabet="ab \n-^rw019([])>/.:https", max_size=80))
def test_only_names_of_highlights_are_replaced(text: str) -> None:
    assert stand_in(stand_in(text)) == stand_in(text)
    if "^rw" not in text and "^hl" not in text:
        assert stand_in(text) == text
