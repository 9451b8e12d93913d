"""Hygiene: copies, leaks, templates and passages of one's own knowledge are found, counted and left out; good pairs are not."""

from __future__ import annotations

from notewright.datasets.hygiene import boilerplate, clean, leaks, near, rested
from notewright.library.examples import Example, shape
from notewright.provenance import provenance
from notewright.records import Highlight, Prompt, Source

RIVER = "Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58 of them."
ALDER = "A single fallen alder can hold back forty tonnes of gravel, and without it the gravel leaves within one winter."
TEMPLATE = "What did I learn?\nWhy does it matter to me?\nWhere will I use it?"


def example(number: int, passage: str, *texts: str, weight: float = 0.8, source: str = "s") -> Example:
    highlights = tuple(Highlight(text, id=f"{number}-{at}") for at, text in enumerate(texts))
    prompt = Prompt(source=Source(title="T", id=source), highlights=highlights)
    return Example(prompt, passage, f"pair-{number}", f"{number}.md", weight, shape(prompt))


def test_a_near_duplicate_goes_and_the_surest_stays() -> None:
    first = example(1, f"- {RIVER}\n- {ALDER}", RIVER, ALDER, weight=0.7)
    second = example(2, f"- {RIVER}\n- {ALDER} Indeed.", RIVER, ALDER, weight=1.0)
    other = example(3, "- " + ALDER.replace("alder", "oak trunk of that size"), ALDER)
    assert clean([first, second, other]) == {"pair-1": "near-duplicate of another pair"}


def test_templates_go() -> None:
    items = [example(number, f"{TEMPLATE}\nword {number}", RIVER) for number in range(6)]
    assert len(boilerplate(items)) == 3
    assert {reason.partition(":")[0] for reason in clean(items).values()} == {"template boilerplate"}
    assert len(clean(items)) == 6


def test_own_knowledge_goes_unless_the_person_vouched_for_it() -> None:
    text = "My grandmother kept bees behind the church. In August we were allowed to turn the handle of the extractor."
    assert rested(text, provenance(text, example(1, text, RIVER).prompt.highlights)) == 0
    assert clean([example(1, text, RIVER)])["pair-1"].startswith("mostly the person's own knowledge")
    assert clean([example(1, text, RIVER, weight=1.0)]) == {}
    text = f"- {RIVER}"
    assert rested(text, provenance(text, example(1, text, RIVER).prompt.highlights)) == 1
    assert clean([example(1, f"- {RIVER}", RIVER)]) == {}


def test_leaks_are_copies_of_what_measures() -> None:
    held = example(1, f"- {RIVER}", RIVER, source="a")
    same_passage = example(2, f"* {RIVER}", ALDER, source="b")
    same_source = example(3, "- A summary of the whole.", RIVER, source="c")
    clear = example(4, f"- {ALDER}", ALDER, source="d")
    found = leaks([same_passage, same_source, clear], [held])
    assert found == {"pair-2": "leak: nearly the same passage measures", "pair-3": "leak: another copy of its source measures"}


def test_near_names_the_earlier_text() -> None:
    assert near([RIVER, ALDER, RIVER.upper(), "", ""]) == {2: 0}
    assert near([RIVER, ALDER, ALDER], among=1) == {}


def test_a_copy_is_found_beside_a_longer_text_that_shares_more_with_it() -> None:
    words = [f"word{number}" for number in range(100)]
    alike, copied = " ".join([*words[:62], *(f"other{number}" for number in range(40))]), " ".join(words[40:])
    assert near([alike, copied, " ".join(words)]) == {2: 1}
