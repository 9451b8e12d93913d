"""Candidates: written in one batch, checked, ordered, stored. The engine here is a scripted one that honours the real one's contract."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import datasets, drafting, feedback, reward
from notewright.cli import main
from notewright.drafting.choose import disagree
from notewright.errors import Invalid, NotFound
from notewright.library import Library, splits
from notewright.prompts import build_messages, prompt_id
from notewright.records import Model
from notewright.reward.features import VERSION
from notewright.settings import save_settings
from small_world import ScriptedEngine, numbered


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    return made


def draft(world: small_world.World, engine: ScriptedEngine, **options):
    asked = {"source": "rivers", "chapter": "Beginnings", "seed": 7, "n": 3, "written": 3, **options}
    return drafting.draft(world.library, settings=world.settings, engine=engine, **asked)


def test_candidates_are_stored_with_all_that_made_them(world: small_world.World) -> None:
    engine = ScriptedEngine(numbered)
    drafts = draft(world, engine)
    assert drafts == world.library.drafts.batch(drafts[0].batch_id)
    assert [item.position for item in drafts] == [0, 1, 2]
    by_number = sorted(drafts, key=lambda item: item.sampling["written"])
    assert [item.text for item in by_number] == [numbered((), seed) for seed in (-1, 8, 9)]
    assert [item.seed for item in by_number] == [7, 8, 9]
    assert [item.sampling["greedy"] for item in by_number] == [True, False, False]
    first = by_number[0]
    assert (first.source_id, first.chapter, first.model_id, first.problems) == ("readwise:b-rivers", "Beginnings", "model-1", ())
    assert list(first.messages) == engine.calls[0]["messages"]
    assert first.sampling["prompt_id"] == prompt_id(list(first.messages))
    assert (first.sampling["temperature"], first.sampling["asked_seed"], first.sampling["finished"]) == (0.8, 7, True)
    assert first.highlight_ids == tuple(small_world.highlight_id("rivers", 0, number) for number in range(3))
    assert len(engine.calls) == 1


def test_a_draft_names_the_highlights_that_its_lines_rest_on(world: small_world.World) -> None:
    lines = "- The first fact about rivers concerns 3 careful observers. ^rw987\n- The second fact about rivers concerns 4 careful ones. "
    (item,) = draft(world, ScriptedEngine(lambda *_: lines + "[↗](https://readwise.io/open/88)"), n=1, written=1, examples=0)
    assert item.text == lines.replace("987", "0") + "[↗](https://readwise.io/open/1)"
    assert item.problems == ()


def test_the_same_seed_gives_the_same_candidates(world: small_world.World) -> None:
    one, two = draft(world, ScriptedEngine(numbered)), draft(world, ScriptedEngine(numbered))
    assert sorted(item.text for item in one) == sorted(item.text for item in two)
    assert one[0].batch_id != two[0].batch_id


def test_without_a_seed_one_is_drawn_and_kept(world: small_world.World) -> None:
    engine = ScriptedEngine(numbered)
    drafts = draft(world, engine, seed=None)
    assert drafts[0].sampling["asked_seed"] == engine.calls[0]["seed"] == min(item.seed for item in drafts)


def test_the_prompt_is_the_one_rendering_with_retrieved_examples(world: small_world.World) -> None:
    engine = ScriptedEngine(numbered)
    drafts = draft(world, engine, instruction="Be brief.")
    prompt = drafting.choose_prompt(world.library, source="rivers", chapter="Beginnings", instruction="Be brief.")
    examples = drafting.retrieve_examples(world.library, prompt)
    assert len(examples) == 2
    assert list(drafts[0].messages) == build_messages(prompt, examples)
    assert drafts[0].sampling["examples"] == 2
    assert list(draft(world, engine, instruction="Be brief.", examples=0)[0].messages) == build_messages(prompt)


def test_examples_never_come_from_the_same_or_a_held_out_source(world: small_world.World) -> None:
    splits.assign(world.library, [source.id for source in world.library.sources.all()])
    held_out = {source_id for source_id, side in splits.known(world.library).items() if side != "train"}
    prompt = drafting.choose_prompt(world.library, source="rivers", chapter="Beginnings")
    found = {example.source.id for example, _ in drafting.retrieve_examples(world.library, prompt, limit=50, max_chars=10**6)}
    assert len(found) == len(small_world.THINGS) - len(held_out | {"readwise:b-rivers"})
    assert not found & {"readwise:b-rivers", *held_out}


@pytest.mark.parametrize(("share", "turns"), [(0.7, 6), (0.25, 2)])
def test_a_tuned_model_sees_examples_only_if_its_training_did(world: small_world.World, share: float, turns: int) -> None:
    dataset = datasets.build(world.library, kind="sft", settings=world.settings, examples=share)
    tuned = Model("model-9", "seedling", "", "policy", "2026-01-01", dataset_id=dataset.id, parent_id="model-1")
    world.library.models.add(tuned)
    engine = ScriptedEngine(numbered)
    draft(world, engine, model_id="model-9")
    assert len(engine.calls[0]["messages"]) == turns


def test_examples_only_as_far_as_they_fit(world: small_world.World) -> None:
    prompt = drafting.choose_prompt(world.library, source="rivers", chapter="Beginnings")
    assert drafting.retrieve_examples(world.library, prompt, max_chars=10) == []
    assert len(drafting.retrieve_examples(world.library, prompt, max_chars=800)) == 1


def test_candidates_with_problems_are_held_back(world: small_world.World) -> None:
    texts = {-1: "## Note\n- In 1999 it rained.\n", 8: "## Note\n- The second fact.\n", 9: "## Note\n- The first fact.\n"}
    drafts = draft(world, ScriptedEngine(lambda _, seed: texts[seed]))
    assert {item.text for item in drafts} == {texts[8], texts[9]}
    stored = world.library.drafts.batch(drafts[0].batch_id, unshown=True)
    assert [item.shown for item in stored] == [True, True, False]
    assert "1999" in stored[2].problems[0]
    assert stored[2].sampling["selection"]["why"] == "it has 1 problem"
    assert stored[2].sampling["selection"]["propensity"] == 0


def test_when_all_have_problems_the_least_bad_are_shown_and_marked(world: small_world.World) -> None:
    texts = {-1: "", 8: "## Note\n- In 1999 and 1888 it rained.\n", 9: "## Note\n- In 1999 it rained.\n"}
    drafts = draft(world, ScriptedEngine(lambda _, seed: texts[seed]), n=2)
    assert {item.text for item in drafts} == {texts[-1], texts[9]}
    assert all(item.problems for item in drafts)
    one_valid = {-1: "", 8: "## Note\n- In 1999 and 1888 it rained.\n", 9: "## Note\n- The first fact.\n"}
    drafts = draft(world, ScriptedEngine(lambda _, seed: one_valid[seed]))
    assert [item.text for item in drafts] == [one_valid[9], one_valid[-1]]  # something to compare it with


def test_when_all_have_problems_the_prompt_is_tried_the_other_way(world: small_world.World) -> None:
    def write(messages, seed):
        return "## Note\n- In 1999 it rained.\n" if len(messages) > 2 else numbered(messages, seed)

    engine = ScriptedEngine(write)
    drafts = draft(world, engine, n=2)
    assert [(len(call["messages"]), call["n"], call["greedy_first"]) for call in engine.calls] == [
        (6, 3, True),
        (6, 1, False),
        (2, 2, True),
    ]
    assert {item.text for item in drafts} == {numbered((), -1), numbered((), 8)}
    assert [(item.problems, item.sampling["examples"], len(item.messages)) for item in drafts] == [((), 0, 2)] * 2
    stored = world.library.drafts.batch(drafts[0].batch_id, unshown=True)
    assert [item.sampling["examples"] for item in stored] == [0, 0, 2]
    assert sorted(item.sampling["written"] for item in stored) == [0, 4, 5]
    plain = ScriptedEngine(lambda messages, seed: numbered(messages, seed) if len(messages) > 2 else "## Note\n- In 1999 it rained.\n")
    assert draft(world, plain, n=2, examples=0)[0].problems  # told how many examples, it keeps to it


def test_with_one_draft_without_problems_the_other_way_finds_another_to_compare_with(world: small_world.World) -> None:
    def write(messages, seed):
        return "## Note\n- In 1999 it rained.\n" if len(messages) > 2 and seed != -1 else numbered(messages, seed)

    engine = ScriptedEngine(write)
    drafts = draft(world, engine, n=2)
    assert [len(call["messages"]) for call in engine.calls] == [6, 2]
    assert [item.problems for item in drafts] == [(), ()]
    alone = ScriptedEngine(write)
    assert len(draft(world, alone, n=1)) == 1
    assert [len(call["messages"]) for call in alone.calls] == [6]
    sure = ScriptedEngine(lambda *_: "## Note\n- The only way to say it.\n")
    assert len(draft(world, sure, n=2)) == 1
    assert [len(call["messages"]) for call in sure.calls] == [6, 6]  # hotter once, but no problem sends it elsewhere


def test_more_are_written_than_shown_and_all_are_kept(world: small_world.World) -> None:
    engine = ScriptedEngine(numbered)
    drafts = draft(world, engine, written=None)
    assert engine.calls[0]["n"] == 8
    assert len(drafts) == 3
    library = world.library
    everything = library.drafts.batch("batch-1", unshown=True)
    assert len(everything) == 8
    assert [item.position for item in everything] == list(range(8))
    assert library.drafts.batch("batch-1") == drafts == everything[:3] == library.drafts.all()
    selections = [item.sampling["selection"] for item in everything]
    assert sum(item["propensity"] for item in selections) == pytest.approx(3, abs=0.01)
    assert {item["method"] for item in selections} == {"monte carlo"}
    assert all(item["why"] for item in selections)
    assert len(library.measures.get([item.id for item in everything], version=VERSION)) == 8
    event = feedback.rank(library, batch_id="batch-1", order=[[drafts[0].id]], best_only=True)
    assert [item["propensity"] for item in event.payload["shown"]] == [item["propensity"] for item in selections[:3]]


def test_rules_are_told_or_checked(world: small_world.World) -> None:
    engine = ScriptedEngine(lambda _, seed: f"## Note\n- **The** {'first' if seed % 2 else 'second'} fact.\n")
    plain = draft(world, engine)
    reward.add_rule(world.library, "start with the main claim")
    reward.add_rule(world.library, "no bold")
    drafts = draft(world, engine)
    assert "Rules:\n- start with the main claim" in engine.calls[-1]["messages"][-1]["content"]
    assert "Rules:" not in plain[0].messages[-1]["content"]
    assert all("no bold" in item.problems[0] for item in drafts)


@pytest.mark.parametrize("taught", [False, True])
def test_half_of_what_a_small_base_writes_is_without_the_rules_it_was_not_taught_with(world: small_world.World, taught: bool) -> None:
    def spoiled(messages: Sequence[dict[str, str]], seed: int) -> str:
        return numbered(messages, seed) if "Rules:" not in messages[-1]["content"] else f"## Note\n- Misread {seed % 97}.\n"

    engine = ScriptedEngine(spoiled)
    engine.misreads = True
    reward.add_rule(world.library, "start with the main claim")
    if taught:
        dataset = datasets.build(world.library, kind="sft", settings=world.settings)
        made = Model("model-9", "seedling", "", "policy", "2026-01-01", dataset_id=dataset.id, parent_id="model-1")
        world.library.models.promote(world.library.models.add(made).id, "test")
    reward.add_rule(world.library, "end with a question to myself")
    drafts = draft(world, engine, n=4, written=8)
    asked = [(call["n"], [line for line in call["messages"][-1]["content"].split("\n") if line.startswith("- ")]) for call in engine.calls]
    old = ["- start with the main claim"] if taught else []
    assert asked == [(4, ["- start with the main claim", "- end with a question to myself"]), (4, old)]
    assert [call["greedy_first"] for call in engine.calls] == [True, True]
    assert all(item.text == spoiled(item.messages, -1 if item.sampling["greedy"] else item.seed) for item in drafts)
    engine.calls.clear()
    draft(world, engine, n=1, written=8)
    assert [call["n"] for call in engine.calls] == [8]  # one is all that is shown: it is told everything
    engine.misreads = False
    engine.calls.clear()
    draft(world, engine, n=4, written=8)
    assert len(engine.calls) == 1


def test_texts_are_told_while_they_grow_under_the_number_that_the_draft_keeps(world: small_world.World) -> None:
    engine = ScriptedEngine(lambda _, seed: "## Note\n- Same words.\n" if seed < 9 else numbered((), seed))
    told: dict[int, list[str]] = {}
    drafts = draft(world, engine, n=3, on_text=lambda candidate, text: told.setdefault(candidate, []).append(text))
    assert sorted(told) == [0, 1, 2, 3]
    assert {item.sampling["written"]: item.text for item in drafts} == {number: told[number][-1] for number in (0, 2, 3)}
    assert all(last.startswith(first) for first, last in told.values())


def test_a_cut_off_candidate_says_so(world: small_world.World) -> None:
    drafts = draft(world, ScriptedEngine(numbered, finished=False), n=1)
    assert drafts[0].problems[-1].startswith("cut off after")


def test_numbers_of_the_title_are_no_inventions(world: small_world.World) -> None:
    world.library.sources.upsert([replace(small_world.source("rivers"), summary="Since 1999.")], origin="api", complete=True)
    assert draft(world, ScriptedEngine(lambda *_: "## Note\n- It began in 1999.\n"), n=1)[0].problems == ()


def test_alike_candidates_are_written_once_more_and_hotter(world: small_world.World) -> None:
    engine = ScriptedEngine(lambda _, seed: "## Note\n- Same words.\n" if seed < 9 else numbered((), seed))
    drafts = draft(world, engine, n=3)
    assert len({item.text for item in drafts}) == 3
    assert [(call["n"], call["seed"], call["greedy_first"]) for call in engine.calls] == [(3, 7, True), (1, 10, False)]
    assert max(item.sampling["temperature"] for item in drafts) == pytest.approx(1.1)
    stubborn = ScriptedEngine(lambda *_: "## Note\n- Same words.\n")
    assert len(draft(world, stubborn, n=3)) == 1
    assert len(stubborn.calls) == 2


def test_a_named_model_is_recorded(world: small_world.World) -> None:
    second = small_world.base_model(world.library)
    assert draft(world, ScriptedEngine(numbered), model_id="model-1")[0].model_id == "model-1"
    assert draft(world, ScriptedEngine(numbered))[0].model_id == second.id
    with pytest.raises(NotFound):
        draft(world, ScriptedEngine(numbered), model_id="model-9")


def test_progress_gets_tokens(world: small_world.World) -> None:
    seen: list[tuple[int, int]] = []
    draft(world, ScriptedEngine(numbered), max_new_tokens=50, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 50)]


def test_an_interrupted_draft_stores_nothing(world: small_world.World) -> None:
    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draft(world, ScriptedEngine(stop))
    assert world.library.drafts.all() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"n": 0},
        {"n": 99},
        {"written": 99},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"max_new_tokens": 0},
        {"examples": -1},
        {"seed": -1},
        {"seed": 2**64},
    ],
    ids=str,
)
def test_impossible_sampling(world: small_world.World, bad) -> None:
    with pytest.raises(Invalid) as caught:
        draft(world, ScriptedEngine(numbered), **bad)
    assert len(caught.value.problems) == 1


def test_drafting_works_without_a_vault(world: small_world.World) -> None:
    assert drafting.draft(
        world.library, settings=replace(world.settings, vault=None), source="rivers", chapter="Beginnings", engine=ScriptedEngine(numbered)
    )


def test_links_and_assets_that_the_reader_never_had_are_mended_or_block_the_draft(world: small_world.World) -> None:
    texts = itertools.cycle(["- One bend went. [[Nowhere At All]]", "See https://evil.example.net/x.", "![[invented.png]]\n\nIt bends."])
    mended, *rejected = draft(world, ScriptedEngine(lambda messages, seed: next(texts)))
    assert mended.text == "- One bend went."
    assert "[[Nowhere At All]]" in str(mended.sampling["repairs"])
    assert all(any("in no highlight" in one or "neither in" in one for one in item.problems) for item in rejected)


def test_a_tag_is_new_unless_a_note_the_source_or_who_asks_has_it(world: small_world.World) -> None:
    (world.vault / "Tagged.md").write_text("A note. #weirs\n", encoding="utf-8")
    engine = ScriptedEngine(lambda messages, seed: "- The river rises. #weirs #asked #made-up")
    (item,) = draft(world, engine, n=1, written=1, instruction="Tag it #asked")
    found = [finding.reason for finding in item.findings if finding.gate == "invented tag"]
    assert found == ["the tag #made-up is new: no highlight and no note has it"]
    assert found[0] in item.warnings


def test_what_mending_makes_alike_counts_once(world: small_world.World) -> None:
    (world.vault / "weir.png").write_bytes(b"x")
    texts = itertools.count()
    engine = ScriptedEngine(lambda messages, seed: f"- The river rises.\n\n![[made-up-{next(texts)}/weir.png|60]]")
    drafts = draft(world, engine)
    assert [item.text for item in drafts] == ["- The river rises.\n\n![[weir.png|60]]"]
    assert len(world.library.drafts.batch(drafts[0].batch_id, unshown=True)) == 1
    assert [len(call["messages"]) for call in engine.calls] == [6, 2]  # asked once more, the other way


@pytest.mark.parametrize(
    ("texts", "said", "ranked"),
    [
        (["- It rose.", "- It rose."], "1 of 4: of 7 written, 6 were the same text as another.\n", False),
        (["- It rose.", "- It fell."], "2 of 4: of 6 written, 4 were the same text as another.\n", True),
        (
            ["- It rose.", "- It fell.", "- In 1999.", "- In 1888."],
            "2 of 4: of 4 written, 2 have problems. To see the others: notewright drafts list --all\n",
            True,
        ),
        (["- It rose.", "- It fell.", "- It stayed.", "- It went."], "", True),
    ],
)
def test_fewer_drafts_than_wanted_are_explained(
    world: small_world.World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, texts: list[str], said: str, ranked: bool
) -> None:
    save_settings(world.settings)
    given = itertools.cycle(texts)
    engine = ScriptedEngine(lambda messages, seed: next(given))
    monkeypatch.setattr(sys.modules["notewright.drafting.draft"], "engine_for", lambda *_, **__: engine)
    asked = ["--source", "rivers", "--chapter", "Beginnings", "-n", "4", "--written", "4", "--seed", "1", "--model", "model-1"]
    assert main(["draft", *asked]) == 0
    told = capsys.readouterr().out
    assert said in told
    assert (" written, " in told) == bool(said)
    assert ("notewright rank batch-1" in told) == ranked
    assert "notewright accept draft-1 --into NOTE" in told


def test_the_highlights_of_a_draft_are_chosen_in_the_terminal(
    world: small_world.World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_settings(world.settings)
    monkeypatch.setattr(sys.modules["notewright.drafting.draft"], "engine_for", lambda *_, **__: ScriptedEngine(numbered))
    assert main(["sources", "A Book of Rivers"]) == 0
    ids = [line.rsplit("  ", 1)[1] for line in capsys.readouterr().out.splitlines() if "fact about rivers" in line]
    assert ids == [small_world.highlight_id("rivers", chapter, number) for chapter in (0, 1) for number in range(4)]
    asked = ["draft", "--source", "rivers", "-n", "1", "--written", "1", "--json"]
    assert main([*asked, "--highlights", "12", ids[0]]) == 0
    assert json.loads(capsys.readouterr().out)[0]["highlight_ids"] == [ids[0], ids[6]]
    assert main([*asked, "--highlights", "1", "100"]) == 1
    assert "'A Book of Rivers' shows no highlight 100: 100 is one of 'A Book of Looms'." in capsys.readouterr().err
    assert len(world.library.drafts.all()) == 1
    assert main([*asked, "--highlights", "1", "--chapter", "Beginnings"]) == 1
    assert "Both a chapter and highlights are named" in capsys.readouterr().err
    assert len(world.library.drafts.all()) == 1


def test_who_was_asked_too_is_told(world: small_world.World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(world.settings)
    small_world.base_model(world.library)
    engines = {"model-1": ScriptedEngine(numbered), "model-2": ScriptedEngine(lambda *_: "## Note\n- In 1999 it rained.\n")}
    monkeypatch.setattr(sys.modules["notewright.drafting.draft"], "engine_for", lambda _, model, **__: engines[model.id])
    asked = ["draft", "--source", "rivers", "--chapter", "Beginnings", "-n", "2", "--written", "2"]
    assert main([*asked]) == 0
    assert "As what model-2 wrote has problems, the plain base (model-1) was asked too." in capsys.readouterr().out
    assert main([*asked, "--model", "model-1"]) == 0
    assert "was asked too" not in capsys.readouterr().out


SURE = [f"## Note\n- The river bends at the mill, where it slows and rests for a while {when} in the day.\n" for when in ("early", "late")]
UNSURE = [
    f"## Note\n- {words}\n" for words in ("One thing.", "Something else altogether, at length.", "A third way.", "And none of these.")
]
DOUBTFUL = ["## Note\n- One short thing, told.\n", "## Note\n- One short thing, said.\n"]


def tuned(world: small_world.World, *, examples: bool = False) -> Model:
    made = Model("model-9", "base/none", "models/model-9", "policy", "2026-01-01", parent_id="model-1", metrics={"examples": examples})
    return world.library.models.promote(world.library.models.add(made).id, "test")


@pytest.mark.parametrize(("without", "with_examples"), [(UNSURE, SURE), (DOUBTFUL, UNSURE)])
def test_a_version_that_is_unsure_without_examples_is_asked_with_them_too(
    world: small_world.World, with_examples: list[str], without: list[str]
) -> None:
    tuned(world)
    told, bare = itertools.cycle(with_examples), itertools.cycle(without)
    engine = ScriptedEngine(lambda messages, seed: next(told) if len(messages) > 2 else next(bare))
    drafts = draft(world, engine, n=4, written=4)
    assert [(len(call["messages"]), call["n"]) for call in engine.calls if call["greedy_first"]] == [(2, 4), (6, 4)]
    agreed = min((with_examples, without), key=disagree)
    assert {item.text for item in drafts} == set(agreed)
    stored = world.library.drafts.batch(drafts[0].batch_id, unshown=True)
    assert {item.text for item in stored} == {*with_examples, *without}
    aside = [item for item in stored if not item.shown]
    assert {item.sampling["selection"]["why"] for item in aside} == {"those asked for otherwise agree more"}
    assert {item.sampling["selection"]["propensity"] for item in aside} == {0}


def test_there_are_two_to_compare_even_where_one_way_of_asking_is_sure(world: small_world.World) -> None:
    tuned(world)
    texts = itertools.cycle(UNSURE)
    engine = ScriptedEngine(lambda messages, seed: SURE[0] if len(messages) > 2 else next(texts))
    drafts = draft(world, engine, n=4, written=4)
    assert len(drafts) == 2
    assert SURE[0] in {item.text for item in drafts}
    assert [item.text for item in draft(world, engine, n=1, written=4)] == [SURE[0]]


@pytest.mark.parametrize("who", ["a base", "sure", "asked with examples", "told how many examples"])
def test_who_is_asked_once(world: small_world.World, who: str) -> None:
    if who != "a base":
        tuned(world, examples=who == "asked with examples")
    texts = itertools.cycle(SURE if who == "sure" else UNSURE)
    engine = ScriptedEngine(lambda *_: next(texts))
    options = {"examples": 0} if who == "told how many examples" else {}
    assert draft(world, engine, n=2, written=4, **options)
    assert len(engine.calls) == 1
