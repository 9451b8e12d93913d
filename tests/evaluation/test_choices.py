"""The person's choices on held-out sources, judged by a reader whose likelihoods are known."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
from notewright import datasets, evaluation, feedback
from notewright.errors import Invalid
from notewright.evaluation.choices import Choice, accuracy, judge
from notewright.library import Library
from notewright.library.splits import known
from notewright.records import Draft
from small_world import ScriptedEngine, World


class Reading(ScriptedEngine):
    """Finds a text the likelier the more often it says yes; does not see texts that say long."""

    def logprob(self, messages, text: str) -> tuple[float, int]:
        if "long" in text:
            raise Invalid("too long")
        tokens = len(text.split())
        return -1.0 * tokens + text.count("yes"), tokens


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    made = small_world.build(library, tmp_path)
    datasets.build(library, kind="sft", split=(0.5, 0.1, 0.4))
    small_world.base_model(library)
    return made


def batch(library: Library, source_id: str, *texts: str) -> list[Draft]:
    batch_id = library.drafts.new_batch()
    return library.drafts.add(
        Draft("", batch_id, source_id, "", "model-1", text, place, 0, "2026-01-01", messages=({"role": "user", "content": "x"},))
        for place, text in enumerate(texts)
    )


def source(library: Library, split: str, number: int = 0) -> str:
    return sorted(source_id for source_id, where in known(library).items() if where == split)[number]


def test_only_standing_rankings_on_held_out_sources_count(world: World) -> None:
    library = world.library
    a, b, c = (draft.id for draft in batch(library, source(library, "test"), "yes yes no no", "yes no no no", "no no no no"))
    feedback.rank(library, batch_id=library.drafts.get(a).batch_id, order=[[c], [a]])  # a later ranking replaces it
    feedback.rank(library, batch_id=library.drafts.get(a).batch_id, order=[[a], [c]], rejected=[b])
    taught = batch(library, source(library, "train"), "no no", "yes no")
    feedback.rank(library, batch_id=taught[0].batch_id, order=[[taught[0].id], [taught[1].id]])
    undone = batch(library, source(library, "test", 1), "no no", "yes no")
    feedback.rank(library, batch_id=undone[0].batch_id, order=[[undone[0].id], [undone[1].id]])
    feedback.undo(library)
    found = judge(library, Reading(lambda *_: ""), "test")
    assert found == (Choice(library.drafts.get(a).batch_id, right=2, pairs=3),)  # a over c, a over b; not c over b


def test_what_was_ranked_anew_is_among_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    library = world.library
    monkeypatch.setattr("notewright.evaluation.choices.NEWEST", 1)
    first, second = (batch(library, source(library, "test"), "yes no", "no no") for _ in range(2))
    for drafts in (first, second, first):
        feedback.rank(library, batch_id=drafts[0].batch_id, order=[[drafts[0].id], [drafts[1].id]])
    assert [choice.batch_id for choice in judge(library, Reading(lambda *_: ""), "test")] == [first[0].batch_id]


def test_ties_and_texts_that_do_not_fit_make_no_pair(world: World) -> None:
    library = world.library
    a, b, c = (draft.id for draft in batch(library, source(library, "test"), "yes no", "no no", "long yes"))
    feedback.rank(library, batch_id=library.drafts.get(a).batch_id, order=[[a, b], [c]])
    assert judge(library, Reading(lambda *_: ""), "test") == ()


def test_the_figure_is_in_the_evaluation_and_survives_the_file(world: World) -> None:
    library = world.library
    drafts = batch(library, source(library, "test"), "yes no", "no no")
    feedback.rank(library, batch_id=drafts[0].batch_id, order=[[drafts[0].id], [drafts[1].id]])
    report = evaluation.evaluate(library, settings=world.settings, engine=Reading(lambda *_: "words"))
    assert report.choice_accuracy is not None
    assert (report.choice_accuracy.share, report.choice_accuracy.pairs) == (1, 1)
    assert report.choice_accuracy.low < 0.5  # one ranking is no proof
    assert library.models.get("model-1").metrics["evaluation"]["choice_accuracy"]["pairs"] == 1
    assert evaluation.read_report(Path(report.path)) == report
    assert evaluation.merge([report, report]).choice_accuracy.rankings == 2
    silent = evaluation.evaluate(library, settings=world.settings, engine=ScriptedEngine(lambda *_: "words"))
    assert silent.choice_accuracy is None
    assert "choice_accuracy" not in silent.metrics()


def test_intervals_narrow_with_rankings() -> None:
    few, many = accuracy([Choice("b", 4, 5)] * 3), accuracy([Choice("b", 4, 5)] * 60)
    assert few is not None
    assert many is not None
    assert few.share == many.share == 0.8
    assert few.low < many.low < 0.8 < many.high < few.high
    assert accuracy([]) is None
