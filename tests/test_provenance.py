"""Provenance: what rests on which highlight, where, and what is the person's own."""

from __future__ import annotations

import unicodedata

import paired_world
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.provenance import Span, hide_marks, in_order, provenance, provenances, stem, units, word_spans
from notewright.records import Highlight

RIVER = (
    Highlight("Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58.", id="bends"),
    Highlight(
        "A single fallen alder can hold back forty tonnes of gravel. Take it out and the gravel leaves within one winter.",
        id="alder", annotation="Dead wood is a dam nobody built",
    ),
    Highlight("Children in Holmby named the biggest log jam the Parliament, since it held everything up and was full of holes.", id="jam"),
    Highlight("Promise only what gravity has already agreed to.", id="promise"),
)  # fmt: skip
NOTE = """## Rivers

> [!quote] From the book
> Promise **only** what [gravity](https://x.org/forty-tonnes) has already agreed to. ^abc

- **One log.** A single fallen alder tree can hold back nearly forty tonnes of gravel. That is my own favourite.
- The engineers removed 41 bends.
  - [ ] dead wood is a dam nobody built

The Holmby children called their log jam a Parliament. ![[gravel.png|400]] Yesterday it rained.

```
A single fallen alder can hold back forty tonnes of gravel.
```
"""


def rests(text: str, spans: tuple[Span, ...]) -> dict[str, list[str]]:
    return {text[span.start : span.end]: [rest.highlight_id for rest in span.rests] for span in spans}


def test_each_unit_rests_on_its_highlight_and_the_rest_is_the_persons() -> None:
    assert rests(NOTE, provenance(NOTE, RIVER)) == {
        "Rivers": [],
        "From the book": [],
        "Promise **only** what [gravity](https://x.org/forty-tonnes) has already agreed to.": ["promise"],
        "**One log.** A single fallen alder tree can hold back nearly forty tonnes of gravel.": ["alder"],
        "That is my own favourite.": [],
        "The engineers removed 41 bends.": ["bends"],
        "dead wood is a dam nobody built": ["alder"],
        "The Holmby children called their log jam a Parliament.": ["jam"],
        "Yesterday it rained.": [],
    }


def test_alignments_point_into_both_texts() -> None:
    span = next(span for span in provenance(NOTE, RIVER) if "engineers" in NOTE[span.start : span.end])
    (rest,) = span.rests
    pieces = [(NOTE[a.start : a.end], RIVER[0].text[a.highlight_start : a.highlight_end]) for a in rest.alignments]
    assert ("removed 41 bends", "removed 41 bends") in pieces
    assert rest.highlight == 0
    remark = next(span for span in provenance(NOTE, RIVER) if "nobody" in NOTE[span.start : span.end]).rests[0]
    assert {alignment.remark for alignment in remark.alignments} == {True}
    assert RIVER[1].annotation[remark.alignments[0].highlight_start : remark.alignments[0].highlight_end] == RIVER[1].annotation
    assert remark.method == "quote"


def test_a_sentence_made_of_two_highlights_rests_on_both() -> None:
    text = "The engineers of the Varde district removed 41 bends, and a single fallen alder can hold back forty tonnes of gravel."
    assert {rest.highlight_id for rest in provenance(text, RIVER)[0].rests} == {"bends", "alder"}


@pytest.mark.parametrize("text", ["", "\n\n", "---", "My own words about a river with bends.", "![[a single fallen alder can hold.png]]"])
def test_nothing_rests_on_nothing(text: str) -> None:
    assert not any(span.rests for span in provenance(text, RIVER))
    assert not any(span.rests for span in provenance(NOTE, ()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two follows.", ["One.", "Two follows."]),
        ("- a\n  b\n- c", ["a\n  b", "c"]),
        ("> - quoted\n> - items", ["quoted", "items"]),
        ("# T\nwords\nmore words", ["T", "words\nmore words"]),
        ("1. first\n2) second", ["first", "second"]),
        ("| a | b |\n|---|---|\n| c | d |", ["| a | b |", "| c | d |"]),
        ("~~~\ncode\n~~~\nafter", ["after"]),
        ("It hums (loc. 811). 5 bells. P. 7 is not p. 7.", ["It hums (loc. 811).", "5 bells.", "P.", "7 is not p. 7."]),
        ("-", []),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end, _ in units(text)] == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [("running", "runs"), ("Studies", "study"), ("hoped", "hoping"), ("river’s", "river"), ("dogs", "dog"), ("Ähre", "ähre")],
)
def test_inflections_share_a_stem(left: str, right: str) -> None:
    assert stem(left) == stem(right)


def test_order_is_told_by_the_heaviest_chain() -> None:
    ordered = in_order([(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0), (1, 9, 0.5)])
    assert ordered[:3] == [1.0, 1.0, 1.0]
    assert ordered[3] == pytest.approx(2.5 / 3)
    assert max(in_order([(0, 3, 1.0), (1, 2, 1.0), (2, 1, 1.0), (3, 0, 1.0)])) == 0.25


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0.1, 3)), max_size=7, unique_by=lambda item: item[:2])


@settings(max_examples=80)
@given(points)
def test_order_agrees_with_trying_all_chains(cases: list[tuple[int, int, float]]) -> None:
    def chain(subset: list[tuple[int, int, float]]) -> float:
        ordered = sorted(subset)
        return sum(item[2] for item in ordered) if all(a[1] <= b[1] for a, b in zip(ordered, ordered[1:], strict=False)) else 0.0

    subsets = [[item for at, item in enumerate(cases) if mask >> at & 1] for mask in range(1, 1 << len(cases))]
    best = max((chain(subset) for subset in subsets), default=0.0)
    rows = {row: max(weight for other, _, weight in cases if other == row) for row, _, _ in cases}
    for case, fit in zip(cases, in_order(cases), strict=True):
        through = max(chain(subset) for subset in subsets if case in subset)
        assert fit == pytest.approx(min(1.0, best / sum(rows.values())) * through / best)


marks = st.text(alphabet=st.sampled_from("ab. #->*|\n\t[]()!^%`<{AB1"), max_size=120)


@settings(max_examples=150)
@given(marks, st.lists(marks, max_size=3))
def test_spans_are_in_order_and_apart_in_any_text(text: str, highlights: list[str]) -> None:
    spans = provenance(text, [Highlight(item, id=str(at)) for at, item in enumerate(highlights)])
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in zip(spans, spans[1:], strict=False))
    for span in spans:
        for rest in span.rests:
            for item in rest.alignments:
                assert span.start <= item.start < item.end <= span.end
                assert [w[0] for w in word_spans(text[item.start : item.end])]


def test_several_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    world = paired_world.make(seed=3, sources=4, notes=12, texts=paired_world._bundled(), per_source=8)
    highlights = [item for source in world.sources for item in source.highlights]
    cases = [(text, highlights) for text in world.notes.values()]
    monkeypatch.setattr("notewright.provenance.MANY", 2)
    assert list(provenances(cases, workers=2)) == [provenance(*case) for case in cases]


def test_sentences_of_other_scripts_rest_each_on_its_own() -> None:
    quoted = "Мозг потребляет двадцать процентов всей энергии тела."
    first, second = provenance(f"{quoted} Это напоминает мне разговор с отцом на даче.", [Highlight(quoted)])
    assert (bool(first.rests), second.rests) == (True, ())


@pytest.mark.parametrize("code", ["```sh``` runs a shell.", "````\ncode here now\n```\nstill code here\n````", "```\ncode\n~~~\ncode\n```"])
def test_what_stands_after_code_is_looked_at(code: str) -> None:
    said = "The brain consumes twenty percent of the energy."
    assert provenance(f"{code}\n\n{said}", [Highlight(said)])[-1].rests
    assert not any("still code" in f"{code}\n\n{said}"[start:end] for start, end, _ in units(f"{code}\n\n{said}"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[bends](https://x.org "forty tonnes") of it', "[bends] of it"),
        ("[bends](notes.md 'forty tonnes') of it", "[bends] of it"),
        ("[bends](<My Note.md>) of it", "[bends] of it"),
        ("![alder](logs_(old).png) of it", "of it"),
        ("%%forty\ntonnes, 9% of it%% left", "left"),
        ("<!-- a <b> of --> left", "left"),
        ("<span title='a > b'>left</span>", "left"),
        ("<% tp.date.now() %> left", "left"),
        ("a < b and c > d, 5% and 6%", "a < b and c > d, 5% and 6%"),
    ],
)
def test_what_is_no_word_of_the_text_is_hidden_in_its_place(text: str, words: str) -> None:
    hidden = hide_marks(text)
    assert len(hidden) == len(text)
    assert " ".join(hidden.split()) == words


@pytest.mark.parametrize("text", ["<!--", "<%", "%%", '<a "', "<a '", "](((", "![a]("])
def test_marks_that_never_end_are_read_in_little_time(text: str) -> None:
    assert len(hide_marks(text * 5000)) == len(text) * 5000


def test_scripts_without_spaces_are_read_sign_by_sign() -> None:
    for text in ("川曲", "ကခ", "កខ"):
        assert [text[start:end] for _, start, end in word_spans(text)] == list(text)


def test_accents_apart_from_their_letters_are_of_the_word() -> None:
    said = "Früher führten drei schmale Brücken über die Sümpfe."
    for text in (said, unicodedata.normalize("NFD", said)):
        for marked in (said, unicodedata.normalize("NFD", said)):
            [span] = provenance(text, [Highlight(text=marked, id="a")])
            [[part]] = [rest.alignments for rest in span.rests]
            assert (text[part.start : part.end], marked[part.highlight_start : part.highlight_end]) == (text[:-1], marked[:-1])
