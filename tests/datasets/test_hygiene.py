"""Hygiene: copies, leaks, templates and passages of one's own knowledge are found, counted and left out; good pairs are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import datasets, drafting, feedback
from notewright.cli import main
from notewright.datasets.hygiene import boilerplate, clean, leaks, near, rested, resting
from notewright.library import Library, splits
from notewright.library.copies import long_texts
from notewright.library.examples import Example, from_pairs, shape
from notewright.prompts import Teaching, build_messages, subject
from notewright.provenance import provenance
from notewright.records import Highlight, Prompt, Source
from notewright.training import prompts
from small_world import ScriptedEngine, World, numbered

RIVER = "Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58 of them."
ALDER = "A single fallen alder can hold back forty tonnes of gravel, and without it the gravel leaves within one winter."
TEMPLATE = "What did I learn?\nWhy does it matter to me?\nWhere will I use it?"


def example(number: int, passage: str, *texts: str, weight: float = 0.8, source: str = "s") -> Example:
    highlights = tuple(Highlight(text, id=f"{number}-{at}") for at, text in enumerate(texts))
    prompt = Prompt(source=Source(title="T", id=source), highlights=highlights)
    return Example(prompt, passage, f"pair-{number}", f"{number}.md", weight, shape(prompt))


def unfit(items: list[Example]) -> dict[str, str]:
    return clean(items, resting(items))


def test_a_near_duplicate_goes_and_the_surest_stays() -> None:
    first = example(1, f"- {RIVER}\n- {ALDER}", RIVER, ALDER, weight=0.7)
    second = example(2, f"- {RIVER}\n- {ALDER} Indeed.", RIVER, ALDER, weight=1.0)
    other = example(3, "- " + ALDER.replace("alder", "oak trunk of that size"), ALDER)
    assert unfit([first, second, other]) == {"pair-1": "near-duplicate of another pair"}


def test_alike_passages_over_other_short_highlights_are_no_copies() -> None:
    said = "- It is said of this that nobody knew before what it would come to, and that all of them were glad of it in the end: {}."
    apple, pear, copy = (
        example(number, said.format(text), text, weight=1.0)
        for number, text in enumerate(("An apple a day.", "A pear a day.", "An apple a day."))
    )
    assert near([apple.passage, pear.passage, copy.passage])
    assert unfit([apple, pear]) == {}
    assert unfit([apple, copy]) == {"pair-2": "near-duplicate of another pair"}


def test_templates_go() -> None:
    items = [example(number, f"{TEMPLATE}\nword {number}", RIVER) for number in range(6)]
    assert len(boilerplate(items)) == 3
    assert {reason.partition(":")[0] for reason in unfit(items).values()} == {"template boilerplate"}
    assert len(unfit(items)) == 6


def test_own_knowledge_goes_unless_the_person_vouched_for_it() -> None:
    text = "My grandmother kept bees behind the church. In August we were allowed to turn the handle of the extractor."
    assert rested(text, provenance(text, example(1, text, RIVER).prompt.highlights)) == 0
    assert unfit([example(1, text, RIVER)])["pair-1"].startswith("mostly the person's own knowledge")
    assert unfit([example(1, text, RIVER, weight=1.0)]) == {}
    text = f"- {RIVER}"
    assert rested(text, provenance(text, example(1, text, RIVER).prompt.highlights)) == 1
    assert unfit([example(1, f"- {RIVER}", RIVER)]) == {}


def test_leaks_are_copies_of_what_measures() -> None:
    held = example(1, f"- {RIVER}", RIVER, source="a")
    same_passage = example(2, f"* {RIVER}", ALDER, source="b")
    same_source = example(3, "- A summary of the whole.", RIVER, source="c")
    clear = example(4, f"- {ALDER}", ALDER, source="d")
    found = leaks([same_passage, same_source, clear], [held], long_texts(held.prompt.highlights))
    assert found == {"pair-2": "leak: nearly the same passage measures", "pair-3": "leak: another copy of its source measures"}


def test_near_names_the_earlier_text() -> None:
    assert near([RIVER, ALDER, RIVER.upper(), "", ""]) == {2: 0}
    assert near([RIVER, ALDER, ALDER], among=1) == {}


def test_a_copy_is_found_beside_a_longer_text_that_shares_more_with_it() -> None:
    words = [f"word{number}" for number in range(100)]
    alike, copied = " ".join([*words[:62], *(f"other{number}" for number in range(40))]), " ".join(words[40:])
    assert near([alike, copied, " ".join(words)]) == {2: 1}


MINE = "## Mine\n- Something quite other than that, in my own style.\n"
JUDGED = ("preference", "edits", "labels")


def judge(world: World, number: int, thing: str) -> list[dict[str, str]]:
    """Draft a chapter with examples, rank, accept and edit it; returns the prompt."""
    library, engine = world.library, ScriptedEngine(numbered)
    drafts = drafting.draft(library, settings=world.settings, source=thing, chapter="Beginnings", seed=number, n=2, engine=engine)
    feedback.rank(library, batch_id=drafts[0].batch_id, order=[[draft.id] for draft in drafts])
    feedback.accept(library, settings=world.settings, draft_id=drafts[0].id, into=f"New/{number}.md", final_text=MINE)
    return list(drafts[0].messages)


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    """Nothing was built yet, and nothing has a side."""
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    return made


def exchanges(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    """The earlier exchanges of a prompt."""
    said = [message["content"] for message in messages if message["role"] != "system"]
    return list(zip(said[:-1:2], said[1::2], strict=True))


def teaching(library: Library, messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    sides = splits.known(library)
    return [item for item in exchanges(messages) if sides[f"readwise:b-{subject(item[0])[0].split()[-1].lower()}"] == "train"]


@pytest.mark.parametrize("kind", JUDGED)
def test_no_prompt_shows_what_only_measures(world: World, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    library = world.library
    prompts_before = [judge(world, number, thing) for number, thing in enumerate(small_world.THINGS)]
    asked = {messages[-1]["content"]: messages for messages in prompts_before}
    sft = datasets.build(library, kind="sft")
    held = {row["completion"][0]["content"] for part in ("valid", "test") for row in datasets.load(sft, part)}
    assert held & {passage for messages in prompts_before for _, passage in exchanges(messages)}
    dataset = datasets.build(library, kind=kind)
    cut = 0
    for row in (row for part in splits.PARTS for row in datasets.load(dataset, part)):
        before, after = asked[row["prompt"][-1]["content"]], row["prompt"]
        assert exchanges(after) == teaching(library, before)
        assert not held & {passage for _, passage in exchanges(after)}
        assert [after[0], after[-1]] == [before[0], before[-1]]
        cut += len(exchanges(before)) - len(exchanges(after))
    assert any(exchanges(row["prompt"]) for row in datasets.load(dataset, "train"))
    assert dataset.manifest["examples_cut"] == cut > 0
    assert datasets.build(library, kind=kind).id == dataset.id
    assert main(["dataset", "show", dataset.id]) == 0
    assert f"cut from the prompts: {cut} (notes shown as examples" in capsys.readouterr().out


@pytest.mark.parametrize("kind", JUDGED)
def test_what_may_still_come_to_measure_is_in_no_prompt(world: World, kind: str) -> None:
    """Choices on one source, and a dataset of them before any other: the sources in its prompt get their sides afterwards."""
    library = world.library
    before = judge(world, 1, "looms")
    assert exchanges(before)
    dataset = datasets.build(library, kind=kind)
    assert not [row for row in datasets.load(dataset, "train") if exchanges(row["prompt"])]
    datasets.build(library, kind="sft")
    row = datasets.load(datasets.build(library, kind=kind), "train")[0]
    assert exchanges(row["prompt"]) == teaching(library, before)


def test_an_example_is_known_by_its_source_and_by_its_passage(world: World) -> None:
    library = world.library
    datasets.build(library, kind="sft")
    sides = splits.known(library)
    found = from_pairs(library)
    measures = next(item for item in found if sides[item.source_id] == "test")
    teaches, other = [item for item in found if sides[item.source_id] == "train" and item.prompt.chapter == "Beginnings"][:2]

    def named(prompt: Prompt, title: str) -> Prompt:
        return replace(prompt, source=replace(prompt.source, title=title))

    examples = [
        (teaches.prompt, teaches.passage),
        (measures.prompt, "as the note stood before it was rewritten"),
        (named(measures.prompt, "measures.pdf"), measures.passage),  # named otherwise since
        (teaches.prompt, "  " + measures.passage.replace("**", "__").upper()),  # paired with another source since
        (named(other.prompt, "gone.pdf"), "of a source that nobody knows any more"),
        (other.prompt, other.passage),
    ]
    kept, cut = Teaching(library, splits.later(library)).cut(build_messages(measures.prompt, examples))
    assert kept == build_messages(measures.prompt, [examples[0], examples[-1]])
    assert cut == 4
    held = splits.Later({teaches.source_id: frozenset({"Beginnings"}), other.source_id: frozenset({"Troubles"})})
    kept, _ = Teaching(library, held).cut(build_messages(measures.prompt, [examples[0], examples[-1]]))
    assert kept == build_messages(measures.prompt, [examples[-1]])


def test_a_policy_that_writes_for_drafts_is_not_shown_what_measures(world: World) -> None:
    library = world.library
    for number, thing in enumerate(small_world.THINGS):
        judge(world, number, thing)
    sft = datasets.build(library, kind="sft")
    held = {row["completion"][0]["content"] for part in ("valid", "test") for row in datasets.load(sft, part)}
    rows = prompts.gather(library, dataset=sft, with_drafts=True)
    assert [row for row in rows if row["reference"].strip() == MINE.strip()]
    assert not held & {message["content"] for row in rows for message in row["prompt"]}


COPY = "readwise:b-salt-again"


@pytest.fixture
def copied(world: World) -> World:
    """The book on salt measures, of which the person has finished notes on its second chapter alone. It is there twice, and the other copy,
    that nobody knows for one, teaches: they wrote about its first chapter."""
    library, salt = world.library, small_world.source("salt")
    again = tuple(replace(item, outside_ids=(f"{item.outside_ids[0]}-again",)) for item in salt.highlights)
    copy = replace(salt, author="Reader, Ada", outside_ids=(COPY,), highlights=again)
    library.sources.upsert([copy], origin="api", complete=False)
    assert library.sources.get(COPY).title == salt.title
    first = {item.id: item.links[0].highlight_id for item in library.pairs.all()}
    pairs = [replace(item, id="") for item in library.pairs.all() if first[item.id] != small_world.highlight_id("salt", 0, 0)]
    own = next(item for item in library.pairs.all() if first[item.id] == small_world.highlight_id("salt", 0, 0))
    links = tuple(replace(link, highlight_id=f"{link.highlight_id}-again") for link in own.links)
    said = "- So the first fact about salt in beginnings concerns them.\n- And 4 careful observers saw to the second fact in turn.\n"
    library.pairs.propose([*pairs, replace(own, id="", source_id=COPY, links=links, passage_text=said)])
    sides = {source.id: "train" for source in library.sources.all()} | {"readwise:b-salt": "test"}
    library.db.set_state("splits", json.dumps(sides))
    return world


def test_no_passage_about_a_copy_of_what_measures_teaches(copied: World) -> None:
    """Also where nothing is measured of that chapter yet: it may be tomorrow, by a version that learnt it today."""
    dataset = datasets.build(copied.library, kind="sft")
    assert {row["source_id"] for row in datasets.load(dataset, "test")} == {"readwise:b-salt"}
    train = datasets.load(dataset, "train")
    assert COPY not in {row["source_id"] for row in train}
    assert "about salt" not in json.dumps(train)  # nor among the examples
    assert dataset.manifest["left_out"] == {"leak: another copy of its source measures": 1}


def test_no_prompt_shows_a_copy_of_what_measures(copied: World) -> None:
    library = copied.library
    copy, other = (next(item for item in from_pairs(library) if item.source_id == name) for name in (COPY, "readwise:b-looms"))
    messages = build_messages(other.prompt, [(item.prompt, item.passage) for item in (copy, other)])
    kept, cut = Teaching(library, splits.later(library)).cut(messages)
    assert (kept, cut) == (build_messages(other.prompt, [(other.prompt, other.passage)]), 1)


def test_a_policy_does_not_write_about_a_copy_of_what_measures(copied: World) -> None:
    library = copied.library
    for number, name in enumerate((COPY, "readwise:b-looms")):
        judge(copied, number, name)
    rows = prompts.gather(library, dataset=datasets.build(library, kind="sft"), with_drafts=True)
    assert len([row for row in rows if row["reference"].strip() == MINE.strip()]) == 1
    assert "about salt" not in json.dumps([row["prompt"][-1] for row in rows])
