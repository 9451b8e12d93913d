"""What came after the first build and only measures: never trained on by any method, never shown as an example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import small_world
from notewright import datasets, drafting, feedback
from notewright.evaluation.choices import judge
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.records import Draft
from small_world import World

LATE = small_world.THINGS[6:]


@pytest.fixture
def world(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A dataset of the first six sources; notes, drafts, rankings and edits of the six others came after it, half of them to measure."""
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    monkeypatch.setattr(splits, "FEWEST_KNOWN", 4)
    monkeypatch.setattr(splits, "LATER_SHARE", 0.5)
    late = [pair for pair in library.pairs.all() if pair.source_id.removeprefix("readwise:b-") in LATE]
    for pair in late:
        library.pairs.decide(pair.id, "rejected")
    first = datasets.build(library, kind="sft")
    assert "later" not in first.manifest["counts"]
    for pair in late:
        library.pairs.decide(pair.id, "accepted")
        good, bad = library.drafts.add(
            Draft(
                "", f"batch-{pair.id}", pair.source_id, pair.headings[-1], "model-1", text, place, 0, now(),
                messages=({"role": "user", "content": f"about {pair.source_id} {pair.headings[-1]}"},),
                highlight_ids=tuple(link.highlight_id for link in pair.links),
            )
            for place, text in enumerate((f"## Good\n- {pair.id}", f"Bad words of {pair.id}"))
        )  # fmt: skip
        feedback.rank(library, batch_id=good.batch_id, order=[[good.id]], rejected=[bad.id])
        feedback.decide(library, draft_id=good.id, decision="accept")
        feedback.record_edit(library, draft_id=good.id, final_text=good.text.replace("## ", "### "))
    return made


def test_the_report_counts_later_work_too(world: World, tmp_path: Path) -> None:
    dataset = datasets.build(world.library, kind="sft")
    counts = dataset.manifest["counts"]
    assert isinstance(counts, dict)
    page = datasets.report(world.library, dataset=dataset, path=tmp_path / "report.html").read_text(encoding="utf-8")
    told = " / ".join(str(number) for number in counts.values())
    assert f"<td>examples (train / valid / test / later)</td><td>{told}</td>" in page
    notes = {row["note_path"] for part in counts for row in datasets.load(dataset, part)}
    assert f"<td>notes in it</td><td>{len(notes)} of" in page


def test_no_dataset_teaches_what_only_measures(world: World) -> None:
    library = world.library
    built = {kind: datasets.build(library, kind=kind) for kind in datasets.KINDS}
    held = {(source_id, name) for source_id, names in splits.later(library).held.items() for name in names}
    assert held
    sides = splits.known(library)
    measuring = {unit for unit in held if sides[unit[0]] == "train"}
    later, train = (datasets.load(built["sft"], part) for part in ("later", "train"))
    assert {(row["source_id"], row["chapter"]) for row in later} == measuring
    assert not {(row["source_id"], row["chapter"]) for row in train} & held
    assert all("prompt_with_examples" in row for row in later)
    passages = [row["completion"][0]["content"] for row in later]
    shown = [message["content"] for part in splits.PARTS for row in datasets.load(built["sft"], part) for message in _all(row)]
    assert not [passage for passage in passages if passage in shown]
    for kind in ("preference", "edits", "labels"):
        asked = {row["prompt"][-1]["content"] for row in datasets.load(built[kind], "train")}
        kept = {row["prompt"][-1]["content"] for row in datasets.load(built[kind], "later")}
        assert kept == {f"about {source_id} {name}" for source_id, name in measuring}
        assert asked
        assert not asked & kept
    assert datasets.build(library, kind="sft").id == built["sft"].id  # the same library, the same dataset
    assert built["sft"].manifest["counts"]["later"] == len(later)
    assert datasets.verify(built["sft"]) == ()


def _all(row: dict) -> list[dict]:
    return [*row["prompt"], *row.get("prompt_with_examples", ())]


def test_rankings_on_later_chapters_are_judged_apart(world: World) -> None:
    library = world.library
    datasets.build(library, kind="sft")

    class Reader:
        def logprob(self, messages, text: str) -> tuple[float, int]:
            return (-1.0 if "Good" in text else -9.0), 1

    found = judge(library, Reader(), "later")
    sides = splits.known(library)
    assert len(found) == sum(len(names) for source_id, names in splits.later(library).held.items() if sides[source_id] == "train")
    assert all((choice.right, choice.pairs) == (1, 1) for choice in found)
    assert not {choice.batch_id for choice in found} & {choice.batch_id for choice in judge(library, Reader(), "test")}


def test_drafts_never_show_a_later_passage_as_an_example(world: World) -> None:
    library = world.library
    datasets.build(library, kind="sft")
    prompt = drafting.choose_prompt(library, source="Rivers", chapter="Beginnings")
    shown = drafting.retrieve_examples(library, prompt, limit=30, max_chars=10**6)
    assert len(shown) > 3
    used = {(asked.source.id, asked.chapter) for asked, _ in shown}
    assert not used & {(source_id, name) for source_id, names in splits.later(library).held.items() for name in names}
    assert all(re.search(r"^## ", passage) for _, passage in shown)
