"""`improve` with a policy that learns from its own drafts, to its end: trust is earned by choices, the last training is made, measured, and
promoted or kept. Nothing of trust and of the decision is stood in for; only the trainings are short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import small_world
import tiny_models
from improving import QUICK
from notewright import datasets, drafting, feedback, loop, training
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.library.products import BETTER
from notewright.models import registry
from notewright.prompts import build_messages
from notewright.records import REWARDS, Draft, Highlight, Model, Prompt, Source
from notewright.reward.trust import LABEL_LISTS, trust
from notewright.settings import Settings
from notewright.training import recipes, runs
from notewright.training.runs import Job
from tiny_training import same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
CHOICES = LABEL_LISTS + 10
OWN_DRAFTS = {"batch_size": 4, "candidates": 2, "max_new_tokens": 8}
SHORT: dict[str, dict[str, Any]] = {
    "reward": {"max_steps": 8, "batch_size": 4, "members": 2}, "dpo": {"max_steps": 2, "batch_size": 4},
    "ppo": {**OWN_DRAFTS, "max_steps": 5}, "grpo": {**OWN_DRAFTS, "max_steps": 3},
}  # fmt: skip


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the trainings' efforts mean here."""
    for method, recipe in SHORT.items():
        monkeypatch.setitem(recipes.PRESETS, method, {"normal": recipe})


def judged(library: Library, count: int) -> None:
    """Two drafts about each of so many sources that no note is about, one in the person's way and one flat, ranked."""
    titles = [f"Essay {number}" for number in range(count)]
    library.sources.upsert(
        [
            Source(
                title, outside_ids=(f"readwise:e-{title}",),
                highlights=tuple(
                    Highlight(f"{title} has a {word} cause.", location=place, outside_ids=(f"readwise:{title} {place}",))
                    for place, word in enumerate(("first", "second", "third"))
                ),
            )
            for title in titles
        ],
        origin="api", complete=False,
    )  # fmt: skip
    for number, source in enumerate(source for source in library.sources.all() if source.title in titles):
        highlights = tuple(library.sources.highlights(source.id))
        lines = [item.text for item in highlights]
        good = "## Essays\n" + "".join(f"- **So.** {line}\n" for line in lines[: 2 + number % 2])
        texts = [good, " ".join(lines[number % 2 :])]
        batch, messages = library.drafts.new_batch(), tuple(build_messages(Prompt(source=source, highlights=highlights)))
        drafts = library.drafts.add(
            Draft(
                "", batch, source.id, "", "model-1", text, place, place, now(), messages=messages,
                highlight_ids=tuple(item.id for item in highlights),
            )
            for place, text in enumerate(texts[:: 1 if number % 3 else -1])
        )  # fmt: skip
        best, worst = sorted(drafts, key=lambda draft: draft.text != good)
        feedback.rank(library, batch_id=batch, order=[[best.id], [worst.id]])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[small_world.World]:
    """A library with so many choices that rewards can have earned the right to label."""
    folder = tmp_path_factory.mktemp("judged")
    base = tiny_models.build("llama", folder / "tiny", context=1280)
    with Library.create(folder / "home") as library:
        made = small_world.build(library, folder)
        settings = Settings(home=library.home, vault=made.vault, base_model=str(base), device="cpu")
        registry.current(library, settings)
        judged(library, CHOICES)
        yield small_world.World(library, settings, made.vault)


def improve(world: small_world.World, **options: Any) -> loop.ImproveReport:
    return loop.improve(world.library, settings=world.settings, overrides=QUICK, max_new_tokens=12, **options)


def state_of(report: loop.ImproveReport) -> dict[str, Any]:
    return json.loads(Path(report.folder, "state.json").read_text(encoding="utf-8"))


def writes(monkeypatch: pytest.MonkeyPatch, is_scribe: Callable[[Model], bool]) -> None:
    """All models write as they do, but that one."""
    get = drafting.Engines.get
    monkeypatch.setattr(
        drafting.Engines,
        "get",
        lambda self, library, model, device: Scribe() if is_scribe(model) else get(self, library, model, device=device),
    )


class Scribe(small_world.ScriptedEngine):
    """Writes what the person wrote."""

    def __init__(self) -> None:
        super().__init__(lambda messages, _: self.passage(messages[-1]["content"]))

    def passage(self, asked: str) -> str:
        thing = next(thing for thing in small_world.THINGS if f"A Book of {thing.title()}" in asked)
        return small_world.section(thing, small_world.CHAPTERS.index(asked.partition("Chapter: ")[2].partition("\n")[0]))


def test_a_policy_trained_by_ppo_is_stopped_goes_on_is_measured_and_promoted(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rewards are a taste head and a trained model, trusted for what they said of choices they had not seen. What the policy of a
    tiny random base would write is nothing, so that at last its writing, and only that, is stood in for."""
    library, settings = world.library, world.settings
    assert not trust(library).of("combination").lists
    datasets.build(library, kind="preference")
    reward = str(training.train(library, settings=settings, method="reward").metrics["model"])
    assert [trust(library).of(name).level for name in REWARDS] == ["label"] * len(REWARDS)

    def stop(event: dict[str, Any]) -> None:
        method = library.runs.get(event["run"]).method if "run" in event else ""
        stopping.extend([method] if method == "ppo" else [])
        if stopping and event.get("event") == "step":
            raise KeyboardInterrupt

    stopping: list[str] = []
    with pytest.raises(KeyboardInterrupt, match="go on from there with: notewright improve"):
        improve(world, reinforce="ppo", progress=stop)
    (begun,) = (run for run in library.runs.all() if run.method == "ppo")
    folder = library.home / begun.path
    assert begun.status == "interrupted"
    assert 0 < runs.checkpoint_step(folder) < SHORT["ppo"]["max_steps"]
    judge, asked = ((folder / name).read_bytes() for name in ("judge.json", "prompts.jsonl"))
    reached = runs.checkpoint_step(folder)

    writes(monkeypatch, lambda model: model.run_id == begun.id)
    report = improve(world)
    state = state_of(report)
    (run,) = (run for run in library.runs.all() if run.method == "ppo")
    assert (run.id, run.status, run.metrics["steps"]) == (begun.id, "finished", SHORT["ppo"]["max_steps"])
    steps = [event["step"] for event in runs.read_progress(library, run.id) if event["event"] == "step"]
    assert steps[-1] == SHORT["ppo"]["max_steps"]
    assert steps.count(1) == 1, "it went on from its checkpoint"
    assert reached + 1 in steps
    assert [(folder / name).read_bytes() for name in ("judge.json", "prompts.jsonl")] == [judge, asked]

    made = library.models.get(state["ppo_model"])
    assert (made.run_id, made.parent_id, made.dataset_id) == (run.id, state["dpo_model"], state["sft_dataset"])
    assert (made.metrics["judged_by"], made.metrics["reward_model"]) == ("combination", reward)
    about = json.loads(judge)
    assert (about["reward"], about["model"], "taste" in about) == ("combination", reward, True)
    sides = splits.known(library)
    frozen = [json.loads(line) for line in asked.splitlines()]
    passages = library.datasets.get(state["sft_dataset"]).rows("train")
    assert passages < recipes.MINIMUM_ROWS["ppo"], "the prompts of drafts count as well"
    assert len(frozen) == passages + sum(
        sides.get(source.id) == "train" for source in library.sources.all() if source.title.startswith("Essay")
    )
    start = Path(Job.load(folder).start_adapter)
    assert start == registry.adapter_folder(library, library.models.get(state["dpo_model"]))
    assert not same(weights(start), weights(library.home / made.adapter_path))

    assert not [reason for reason in report.skipped if reason.startswith("PPO")]
    verdicts = {verdict.contender.label: verdict for verdict in report.decision.verdicts}
    assert {"PPO", "PPO + examples"} <= verdicts.keys()
    assert verdicts["PPO"].contender.model_id == made.id
    assert verdicts["PPO"].contender.report.mean == 0
    assert report.promoted == state["promoted"] == made.id
    current = library.models.current()
    assert current is not None
    assert current.id == made.id
    _, _, why = library.models.promotions()[-1]
    assert why == f"{BETTER}: {report.reason}"
    assert f"{made.id} " in Path(report.page).read_text(encoding="utf-8")

    again = improve(world, reinforce="ppo")
    assert again.reason.startswith(f"Nothing is new since {report.id}")
    assert len([run for run in library.runs.all() if run.method == "ppo"]) == 1


def test_what_a_policy_trained_by_grpo_is_no_better_at_stays_as_it_is(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is better than what writes as the person."""
    library = world.library
    assert trust(library).of("taste").level == "label"
    before = registry.current(library, world.settings)
    writes(monkeypatch, lambda model: model.id == before.id)
    report = improve(world, reinforce="grpo")  # what was trained before of the same is taken as it is
    state = state_of(report)
    made = library.models.get(state["grpo_model"])
    run = library.runs.get(made.run_id)
    assert (run.method, run.status, made.parent_id, made.dataset_id) == ("grpo", "finished", state["dpo_model"], state["sft_dataset"])
    assert made.metrics["judged_by"] in ("combination", "taste")  # as there is a reward model or not
    assert {"GRPO", "GRPO + examples"} <= {verdict.contender.label for verdict in report.decision.verdicts}
    assert (report.promoted, state["promoted"], report.current) == ("", "", before.id)
    assert library.models.current() == library.models.get(before.id)
    assert f"{before.id} stays" in Path(report.page).read_text(encoding="utf-8")
