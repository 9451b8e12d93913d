"""Prompt-completion datasets: split by source, examples from other training sources, the person's bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import small_world
from notewright import datasets, drafting, feedback, reward
from notewright.errors import Invalid, NotFound
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.library.examples import CHANGED
from notewright.prompts import SYSTEM, build_messages
from notewright.records import Dataset, Highlight, Source
from notewright.settings import Settings


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    return small_world.build(library, tmp_path)


def rows(dataset: Dataset) -> dict[str, list[dict]]:
    return {split: datasets.load(dataset, split) for split in ("train", "valid", "test")}


def test_every_pair_becomes_a_row_on_its_sources_side(world: small_world.World) -> None:
    dataset = datasets.build(world.library, kind="sft")
    found = rows(dataset)
    assert dataset.manifest["counts"] == {split: len(items) for split, items in found.items()} == {"train": 16, "valid": 2, "test": 6}
    sides = {split: {row["source_id"] for row in items} for split, items in found.items()}
    assert not sides["train"] & (sides["valid"] | sides["test"])
    assert not sides["valid"] & sides["test"]


def test_completions_are_the_passages_bytes(world: small_world.World) -> None:
    passages = {pair.id: pair.passage_text for pair in world.library.pairs.all()}
    for items in rows(datasets.build(world.library, kind="sft")).values():
        for row in items:
            assert row["completion"] == [{"role": "assistant", "content": passages[row["pair_id"]]}]
            assert row["completion"][0]["content"].encode() in (world.vault / row["note_path"]).read_bytes()


def test_examples_come_from_other_training_sources(world: small_world.World) -> None:
    found = rows(datasets.build(world.library, kind="sft", examples=1.0))
    source_of = {row["completion"][0]["content"]: row["source_id"] for items in found.values() for row in items}
    training = {row["source_id"] for row in found["train"]}
    for split, items in found.items():
        for row in items:
            messages = row["prompt"] if split == "train" else row["prompt_with_examples"]
            shown = [source_of[message["content"]] for message in messages if message["role"] == "assistant"]
            assert messages[0] == {"role": "system", "content": SYSTEM}
            assert messages[-1]["role"] == "user"
            assert set(shown) <= training - {row["source_id"]}
            assert len(shown) == len(set(shown))
            if split == "train":
                assert row["examples"] == len(shown) in (1, 2)
                assert "prompt_with_examples" not in row
            else:
                assert len(shown) == 2
                assert row["examples"] == 0
                assert len(row["prompt"]) == 2
                assert row["prompt"][-1] == messages[-1]


def test_what_measures_shows_the_examples_that_drafting_would_however_long_the_answer_is(world: small_world.World) -> None:
    library = world.library
    datasets.build(library, kind="sft")
    held = {source_id for source_id, side in splits.known(library).items() if side == "test"}
    long = " ".join(f"The first fact about it concerns {number} careful observers." for number in range(90))
    library.pairs.propose(
        [
            replace(pair, id="", passage_text=f"{pair.passage_text}{f'{pair.id} {long}' * (pair.source_id in held)}")
            for pair in library.pairs.all()
        ]
    )
    found = datasets.load(datasets.build(library, kind="sft"), "test")
    assert len(found) == 6
    for row in found:
        assert len(row["completion"][0]["content"]) > 5000
        prompt = drafting.choose_prompt(library, source=row["source_id"], chapter=row["chapter"])
        assert row["prompt_with_examples"] == build_messages(prompt, drafting.retrieve_examples(library, prompt))


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.7, 6, 15), (1.0, 16, 16)])
def test_the_share_of_prompts_with_examples(world: small_world.World, share: float, least: int, most: int) -> None:
    train = datasets.load(datasets.build(world.library, kind="sft", examples=share), "train")
    assert least <= sum(row["examples"] > 0 for row in train) <= most


def test_examples_only_where_they_fit(world: small_world.World) -> None:
    train = datasets.load(datasets.build(world.library, kind="sft", examples=1.0, max_chars=1400), "train")
    assert all(row["examples"] <= 1 for row in train)
    for row in train:
        total = sum(len(message["content"]) for message in row["prompt"][1:]) + len(row["completion"][0]["content"])
        assert total <= 1400


def test_the_same_library_gives_the_same_dataset(world: small_world.World) -> None:
    first = datasets.build(world.library, kind="sft")
    assert datasets.build(world.library, kind="sft") == first
    other = datasets.build(world.library, kind="sft", seed=1)
    assert other.id != first.id
    assert datasets.load(other, "test") == datasets.load(first, "test")
    again = datasets.build(world.library, kind="sft")  # the newest is what is trained on, so an older one is not handed back
    assert again.manifest["sha256"] == first.manifest["sha256"]
    assert world.library.datasets.all("sft")[-1] == again


def test_adding_a_source_never_moves_one(library: Library, tmp_path: Path) -> None:
    few = small_world.build(library, tmp_path, things=small_world.THINGS[:4])
    assert datasets.build(library, kind="sft").manifest["counts"] == {"train": 8, "valid": 0, "test": 0}
    before = datasets.build(library, kind="sft").manifest["sources"]
    small_world.build(library, tmp_path / "more", things=small_world.THINGS)
    after = datasets.build(few.library, kind="sft").manifest["sources"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert {name: after[name] for name in before} == before
    assert set(after.values()) == {"train", "valid", "test"}


def probed(dataset: Dataset) -> list[dict[str, Any]]:
    path = Path(dataset.path) / "probe.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_where_nothing_steers_highlights_that_teach_nothing_are_asked(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=small_world.THINGS[:6], paired=small_world.THINGS[:4])
    first = datasets.build(library, kind="sft")
    assert first.manifest["counts"] == {"train": 8, "valid": 0, "test": 0}
    asked = probed(first)
    assert [row["source_id"] for row in asked[:2]] == sorted({row["source_id"] for row in asked}, key=splits.fraction)
    assert {row["source_id"] for row in asked} == {f"readwise:b-{thing}" for thing in small_world.THINGS[4:6]}
    assert len(asked) == 4  # a chapter each
    shown = asked[0]["prompt"][-1]["content"]
    assert all(library.sources.highlight(item).text in shown for item in asked[0]["highlight_ids"])
    assert "fourth" not in shown  # a discard
    assert first.manifest["sha256"]["probe.jsonl"]
    assert datasets.verify(first) == ()
    # What is imported since makes no other dataset; what is taught since does, and is asked no more.
    library.sources.upsert([small_world.source("salt")], origin="api", complete=False)
    assert datasets.build(library, kind="sft") == first
    (Path(first.path) / "probe.jsonl").unlink()
    assert datasets.verify(first, strict=False) == ("probe.jsonl is missing",)
    again = datasets.build(library, kind="sft")
    assert {row["source_id"] for row in probed(again)} == {f"readwise:b-{thing}" for thing in (*small_world.THINGS[4:6], "salt")}


def test_what_teaches_or_measures_is_not_asked(world: small_world.World) -> None:
    assert datasets.build(world.library, kind="sft").manifest["counts"]["valid"]
    assert probed(world.library.datasets.all("sft")[-1]) == []
    sides = dict.fromkeys(splits.known(world.library), "train") | {"readwise:b-salt": "test"}
    world.library.db.set_state("splits", json.dumps(sides))
    for pair in world.library.pairs.all():
        if pair.source_id in ("readwise:b-salt", "readwise:b-maps"):
            world.library.pairs.decide(pair.id, "rejected")
    world.library.db.set_state("splits later", json.dumps({"known": {}, "held": {"readwise:b-maps": ["Troubles"]}}))
    dataset = datasets.build(world.library, kind="sft")
    assert dataset.manifest["counts"] == {"train": 20, "valid": 0, "test": 0}
    assert [(row["source_id"], row["prompt"][-1]["content"].partition("Chapter: ")[2].split()[0]) for row in probed(dataset)] == [
        ("readwise:b-maps", "Beginnings")
    ]


def test_long_chapters_are_asked_about_as_far_as_a_small_base_has_room(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=small_world.THINGS[:4])
    texts = [f"{word} " * 90 for word in ("alpha", "beta", "gamma", "delta")]
    highlights = [Highlight(text, location=place, outside_ids=(f"readwise:7{place}",)) for place, text in enumerate([*texts, "x" * 2000])]
    library.sources.upsert([Source("Long", outside_ids=("readwise:b-long",), highlights=tuple(highlights))], origin="api", complete=False)
    (row,) = probed(datasets.build(library, kind="sft"))
    assert [library.sources.highlight(item).text.split()[0] for item in row["highlight_ids"]] == ["alpha", "beta"]


def test_what_is_left_out_is_counted(world: small_world.World) -> None:
    dataset = datasets.build(world.library, kind="sft", threshold=0.95, max_chars=900)
    assert dataset.manifest["left_out"] == {}
    pair = next(item for item in world.library.pairs.all() if item.source_id == "readwise:b-looms")
    world.library.pairs.decide(pair.id, "accepted")
    with pytest.raises(Invalid) as caught:
        datasets.build(world.library, kind="sft", max_chars=300)
    assert "24: longer than 300 characters" in caught.value.message
    assert "pairs list" in caught.value.hint
    strict = datasets.build(world.library, kind="sft", threshold=0.96)
    assert strict.manifest["counts"] == {"train": 1, "valid": 0, "test": 0}
    assert strict.manifest["left_out"] == {"score below 0.96": 23}


def test_rows_carry_their_weight(world: small_world.World) -> None:
    pair = world.library.pairs.all()[0]
    world.library.pairs.decide(pair.id, "accepted")
    weights = {row["pair_id"]: row["weight"] for items in rows(datasets.build(world.library, kind="sft")).values() for row in items}
    assert weights.pop(pair.id) == 1.0
    assert set(weights.values()) == {0.95}


def test_progress_counts_rows(world: small_world.World) -> None:
    seen: list[tuple[int, int]] = []
    datasets.build(world.library, kind="sft", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 24) for number in range(1, 25)]


@pytest.mark.parametrize(
    ("stage", "command"),
    [("nothing", "import readwise"), ("highlights", "import vault"), ("notes", "notewright pair")],
)
def test_nothing_to_build_from_names_the_next_command(library: Library, tmp_path: Path, stage: str, command: str) -> None:
    if stage != "nothing":
        small_world.build(library, tmp_path, paired=() if stage == "highlights" else small_world.THINGS[:2])
        library.pairs.propose([])
    with pytest.raises(Invalid) as caught:
        datasets.build(library, kind="sft")
    assert command in caught.value.hint
    assert library.datasets.all() == []


@pytest.mark.parametrize(
    "bad", [{"examples": 1.5}, {"max_examples": -1}, {"threshold": 2.0}, {"max_chars": 10}, {"split": (0.0, 0.5, 0.5)}]
)
def test_impossible_parameters(world: small_world.World, bad) -> None:
    with pytest.raises(Invalid):
        datasets.build(world.library, kind="sft", **bad)


def test_unknown_kind_and_split(world: small_world.World) -> None:
    with pytest.raises(Invalid, match="no 'rlhf' datasets"):
        datasets.build(world.library, kind="rlhf", settings=Settings(home=world.library.home))
    with pytest.raises(Invalid, match="no split 'dev'"):
        datasets.load(datasets.build(world.library, kind="sft"), "dev")


def test_a_changed_or_missing_file_is_found_out(world: small_world.World) -> None:
    dataset = datasets.build(world.library, kind="sft")
    assert datasets.verify(dataset) == ()
    train = Path(dataset.path) / "train.jsonl"
    train.write_text(train.read_text() + "{}\n")
    (Path(dataset.path) / "test.jsonl").unlink()
    with pytest.raises(Invalid) as caught:
        datasets.verify(dataset)
    assert caught.value.problems == ("train.jsonl was changed after it was frozen", "test.jsonl is missing")
    with pytest.raises(NotFound):
        datasets.load(dataset, "test")
    again = datasets.build(world.library, kind="sft")
    assert again.id != dataset.id
    assert datasets.verify(again) == ()


def test_a_build_that_is_stopped_leaves_no_folder(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("notewright.files.os.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        datasets.build(world.library, kind="sft")
    assert list((world.library.home / "datasets").iterdir()) == []
    assert world.library.datasets.all() == []


def test_a_completion_with_every_kind_of_line_end_comes_back(world: small_world.World) -> None:
    odd = "## A\r\n- first fact about rivers\u2028careful\u0085observers\x0c $x$\r\n\n"
    passage = next(item for item in world.library.notes.passages() if "rivers" in item.text)
    pair = small_world.pair("rivers", passage, ["readwise:0"])
    world.library.pairs.propose([replace(pair, passage_text=odd)])
    [row] = datasets.load(datasets.build(world.library, kind="sft"), "train")
    assert row["completion"][0]["content"] == odd.replace("\r\n", "\n")


def test_after_a_change_of_the_person_older_passages_weigh_a_quarter(world: small_world.World) -> None:
    library = world.library
    weights = {row["pair_id"]: row["weight"] for items in rows(datasets.build(library, kind="sft")).values() for row in items}
    small_world.base_model(library)
    changed = now()
    for thing in small_world.THINGS[:6]:
        engine = small_world.ScriptedEngine(small_world.numbered)
        asked = {"source": thing, "chapter": "Troubles", "n": 1, "engine": engine}
        feedback.decide(library, decision="accept", draft_id=drafting.draft(library, settings=world.settings, **asked)[0].id)
    library.db.set_state(CHANGED, changed)
    found = rows(datasets.build(library, kind="sft", examples=1.0))
    every = [row for items in found.values() for row in items]
    assert [row["former"] for row in every].count(False) == 6
    assert all(row["weight"] == pytest.approx(weights[row["pair_id"]] * (0.25 if row["former"] else 1)) for row in every)
    side = {row["completion"][0]["content"]: row["former"] for row in every}
    for row in every:
        prompt = row.get("prompt_with_examples", row["prompt"])
        shown = [side[message["content"]] for message in prompt if message["role"] == "assistant"]
        assert shown[-1] == row["former"]  # next to the question
    for share, new in ((0.5, {True, False}), (0.0, {False})):  # of the prompts of former passages all have examples, if any has
        teaching = rows(datasets.build(library, kind="sft", examples=share))["train"]
        assert {row["examples"] > 0 for row in teaching if row["former"]} == {share > 0}
        assert {row["examples"] > 0 for row in teaching if not row["former"]} == new


def test_the_rules_stand_in_what_measures_and_in_half_of_what_teaches(world: small_world.World) -> None:
    reward.add_rule(world.library, "start with the main claim")
    dataset = datasets.build(world.library, kind="sft", settings=world.settings)
    told = "Rules:\n- start with the main claim"
    for split, found in rows(dataset).items():
        assert found
        prompts = [prompt for row in found for prompt in (row["prompt"], row.get("prompt_with_examples")) if prompt]
        assert {told in prompt[-1]["content"] for prompt in prompts} == ({True} if split != "train" else {True, False})
        assert not any(told in message["content"] for prompt in prompts for message in prompt[:-1])
    assert dataset.manifest["rules"] == ["start with the main claim"]
