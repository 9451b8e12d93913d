"""What a draft earns: likeness, a trusted reward, gates; frozen with the run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tiny_models
from notewright import gates
from notewright.errors import Invalid
from notewright.library import Library
from notewright.library.database import now
from notewright.models import registry
from notewright.records import Dataset, Draft, Highlight
from notewright.reward import taste_of
from notewright.reward.score import Score
from notewright.settings import Settings
from notewright.training import judging, prompts, recipes, train
from notewright.vault import build_index

MakeDataset = Callable[[str, list[dict]], Dataset]
HIGHLIGHT = Highlight(text="The river carries silt to the plain.", id="h1")
ROW = {"prompt": [], "reference": "- The river carries silt.\n", "highlights": [asdict(HIGHLIGHT)], "known": "Rivers"}
PLAIN = {"reward": "", "habits": {"passages": 0, "fired": {}, "used": {}}}


def judge(about: dict[str, Any] = PLAIN, **recipe: Any) -> judging.Judge:
    return judging.Judge(about, recipes.PpoRecipe(**recipe))


@pytest.mark.parametrize(
    ("text", "finished", "similarity", "blocked"),
    [
        ("- The river carries silt.\n", True, 1.0, False),
        ("- The river carries silt.\n", False, 1.0, True),  # cut off
        ("", True, 0.0, True),
        ("- The river carries 900 tonnes.\n", True, 0.625, True),  # an invented number
    ],
)
def test_likeness_pays_and_gates_cost(text: str, finished: bool, similarity: float, blocked: bool) -> None:
    (earned,) = judge(similarity_weight=2.0, gate_penalty=0.75)([ROW], [text], [finished])
    assert earned.similarity == pytest.approx(similarity, abs=0.13)
    assert bool(earned.problems) == blocked
    assert earned.reward is None
    assert earned.total == pytest.approx(2.0 * (earned.similarity or 0.0) - 0.75 * blocked)


def test_a_link_that_is_in_no_note_costs_as_it_does_in_drafting() -> None:
    texts = ["- The [[river]] carries silt.\n", "- The river carries [[silt]].\n"]
    (own, invented) = judge({**PLAIN, "linked": ["river"]})([ROW] * 2, texts, [True] * 2)
    assert own.problems == ()
    assert "silt" in invented.problems[0]
    (unknown, _) = judge()([ROW] * 2, texts, [True] * 2)  # a run that was begun before links were frozen
    assert unknown.problems == ()


def test_another_language_than_the_persons_costs_as_it_does_in_drafting() -> None:
    highlight = asdict(Highlight("The river carries silt to the plain, and every spring it leaves some of it in the fields.", id="h1"))
    row = {**ROW, "highlights": [highlight]}
    texts = ["- The river carries silt to the plain every spring.\n", "- Der Fluss trägt jedes Jahr im Frühling Schlamm in die Ebene.\n"]
    spoken = {**PLAIN, "habits": {**PLAIN["habits"], "passages": 30, "tongues": {"en en": 30}}}
    found = judge(spoken)([row] * 2, texts, [True] * 2)
    assert [[reason for reason in one.problems if "German" in reason] for one in found] == [[], [found[1].problems[0]]]
    assert not [reason for one in judge()([row] * 2, texts, [True] * 2) for reason in one.problems]  # begun before it was frozen


@pytest.mark.parametrize(
    "more",
    ["![[map.png]]", "[[Silt]]", "[Silt](Silt.md)", "![[Silt#No such part]]", "[[Silt#No such part]]", "![[Gone]]", "[[Silt#Plain]]"],
)
def test_what_leads_into_the_vault_is_judged_as_in_drafting(more: str, library: Library, settings: Settings, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "map.png").write_bytes(b"x")
    (vault / "Silt.md").write_text("# Plain\n", encoding="utf-8")
    judging.freeze(library, tmp_path, settings=replace(settings, vault=vault), reward="")
    text, index = f"- The river carries silt. {more}\n", build_index(vault)
    [earned] = judge(judging.read_judge(tmp_path))([ROW], [text], [True])
    habits = gates.habits_of(library, vault_index=index)
    found = gates.check(text, highlights=[HIGHLIGHT], known="Rivers", vault_index=index, linked=library.notes.links(), habits=habits)
    assert earned.problems == gates.problems(found)
    assert bool(earned.problems) == ("No such" in more or "Gone" in more)


def test_the_taste_head_judges_as_it_did_when_the_run_began(library: Library, settings: Settings, tmp_path: Path) -> None:
    drafts = [
        Draft("", "batch-1", "s1", "", "model-1", text, position, 0, now(), highlight_ids=())
        for position, text in enumerate(
            ("- One.\n- Two.\n", "Only prose, at some length, without any list at all.\n", "## Head\n\nBody.\n")
        )
    ]
    library.drafts.add(drafts)
    judging.freeze(library, tmp_path, settings=settings, reward="taste")
    head = taste_of(library)
    texts = ["- A list.\n- Of two.\n", "Prose again.\n"]
    rows = [{**ROW, "reference": "", "highlights": []}] * 2
    found = judge(judging.read_judge(tmp_path))([{**row, "prompt": [{"content": ""}]} for row in rows], texts, [True, True])
    from notewright.reward import measure

    means, deviations = head.score([measure(text, []) for text in texts])
    about = judging.read_judge(tmp_path)["taste"]
    for one, mean, deviation in zip(found, means, deviations, strict=True):
        value = (float(mean) - about["middle"]) / about["spread"] - float(deviation) / about["spread"]
        assert one.reward == pytest.approx(math.tanh(value / 2), abs=1e-6)
        assert one.similarity is None


@pytest.mark.parametrize("reward", ["ensemble", "combination"])
def test_a_draft_too_long_for_the_reward_model_earns_the_least_and_is_counted(reward: str) -> None:
    from notewright.reward.neural import PARTS

    class Neural:
        def sees(self, texts: list) -> list[bool]:
            return [len(text) < 50 for _, text in texts]

        def opinions(self, texts: list) -> dict[str, list[list[float]]]:
            assert all(self.sees(texts))
            return {part: [[-9.0] * len(texts)] * 2 for part in PARTS}

    neural: Any = Neural()
    told: list[str] = []
    judging_now = judging.Judge(
        {**PLAIN, "reward": reward}, recipes.PpoRecipe(gate_penalty=0.0, similarity_weight=0.0), neural, warn=told.append
    )
    taste: Any = SimpleNamespace(score=lambda rows: [Score(-9.0, 0.0) for _ in rows])
    judging_now.taste = taste
    short, long = "- The river carries silt.\n", "- The river carries silt.\n" * 9
    found = judging_now([ROW] * 3, [long, short, long], [True] * 3)
    assert found[0].reward == found[2].reward == -1.0
    assert -1.0 < (found[1].reward or 0.0) < -0.99
    assert judging_now.unseen == 2
    assert [one.reward for one in judging_now([ROW], [long], [True])] == [-1.0]
    assert len(told) == 1


def test_no_reward_judges_before_it_has_earned_it(library: Library) -> None:
    assert judging.choose_reward(library, recipes.PpoRecipe()) == ""
    assert judging.choose_reward(library, recipes.PpoRecipe(reward="none")) == ""
    with pytest.raises(Invalid, match="may not label"):
        judging.choose_reward(library, recipes.PpoRecipe(reward="ensemble"))
    with pytest.raises(Invalid, match="no text of yours"):
        judging.require_something_to_earn([{**ROW, "reference": ""}], PLAIN, recipes.PpoRecipe())


def test_prompts_are_frozen_and_drafts_join_where_a_reward_judges(library: Library, make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = make_dataset("sft", tiny_models.sft_rows(8))
    messages = ({"role": "user", "content": "Title: X"},)
    drafts = library.drafts.add(
        [Draft("", "batch-1", "s9", "", "model-1", "- Shown.\n", place, 0, now(), messages=messages) for place in range(2)]
    )
    library.events.append("edit", drafts[1].id, {"final_text": "- Mine.\n"})
    prompts.freeze(library, tmp_path, dataset=dataset, with_drafts=True)
    rows = [json.loads(line) for line in (tmp_path / "prompts.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert rows[0]["reference"] == tiny_models.sft_rows(8)[0]["completion"][0]["content"]
    assert (rows[-1]["prompt"], rows[-1]["reference"]) == (list(messages), "- Mine.\n")
    assert len((tmp_path / "prompts-valid.jsonl").read_text().splitlines()) == 3
    prompts.freeze(library, tmp_path, dataset=dataset, with_drafts=False)
    assert len((tmp_path / "prompts.jsonl").read_text().splitlines()) == 5


def test_a_source_that_only_measures_teaches_no_policy_though_the_dataset_has_nothing_of_it(
    library: Library, make_dataset: MakeDataset
) -> None:
    dataset = make_dataset("sft", tiny_models.sft_rows(8))
    messages = ({"role": "user", "content": "Title: X"},)
    library.drafts.add(
        [Draft("", f"batch-{source}", source, "", "model-1", "- A.\n", 0, 0, now(), messages=messages) for source in ("s8", "s9")]
    )
    assert len(prompts.gather(library, dataset=dataset, with_drafts=True)) == 7
    library.db.set_state("splits", json.dumps({"s8": "train", "s9": "test"}))
    assert len(prompts.gather(library, dataset=dataset, with_drafts=True)) == 6


def test_what_was_prepared_ahead_teaches_nothing_before_somebody_saw_it(library: Library, make_dataset: MakeDataset) -> None:
    """Only then is it decided whether its chapter teaches at all."""
    dataset = make_dataset("sft", tiny_models.sft_rows(8))
    batch = library.drafts.new_batch(unseen=True)
    library.drafts.add([Draft("", batch, "s8", "", "model-1", "- A.\n", 0, 0, now(), messages=({"role": "user", "content": "Title: X"},))])
    assert len(prompts.gather(library, dataset=dataset, with_drafts=True)) == 5
    library.drafts.seen(batch)
    assert len(prompts.gather(library, dataset=dataset, with_drafts=True)) == 6


def test_taste_is_told_the_kind_of_source(library: Library, settings: Settings, tmp_path: Path) -> None:
    """Books and the rest may have wants of their own: what is judged is measured as drafting measures it."""
    library.drafts.add([Draft("", "batch-1", "s1", "", "model-1", f"- {number}\n", number, 0, now()) for number in range(3)])
    judging.freeze(library, tmp_path, settings=settings, reward="taste")
    asked: list[str] = []
    judged = judge(judging.read_judge(tmp_path))
    judged.taste = SimpleNamespace(score=lambda rows: asked.extend(row[-1] for row in rows) or [Score(0.0, 1.0)] * len(rows))
    rows = [{**ROW, "prompt": [{"content": ""}], "reference": "", "kind": kind} for kind in ("book", "article", "")]
    judged([*rows, {name: value for name, value in rows[0].items() if name != "kind"}], ["- A.\n"] * 4, [True] * 4)
    assert asked == [0.5, -0.5, 0.0, 0.0]  # a run that began before knows none


def test_the_updates_are_counted_over_the_prompts_that_there_will_be(
    library: Library, settings: Settings, make_dataset: MakeDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.ensure_base_model(library, settings, base=str(tiny_models.build("llama", tmp_path / "tiny")))
    make_dataset("sft", tiny_models.sft_rows(19))
    library.drafts.add(
        Draft("", f"batch-{number}", "s9", "", "model-1", "- Shown.\n", 0, 0, now(), messages=({"role": "user", "content": "X"},))
        for number in range(100)
    )

    def planned(event: dict[str, Any]) -> None:
        found.append((event["rows"], event["total_steps"]))
        raise KeyboardInterrupt

    found: list[tuple[int, int]] = []
    for trusted in (False, True):
        monkeypatch.setattr(judging, "allowed", lambda _, reward, use, trusted=trusted: trusted and reward == "taste")
        with pytest.raises(KeyboardInterrupt):
            train(library, settings=settings, method="grpo", progress=planned)
    assert found == [(16, recipes.UPDATES), (116, recipes.UPDATES + 1)]  # epochs are rounded


@pytest.mark.slow
def test_a_reward_model_is_a_guest_on_the_policys_base(
    library: Library, make_dataset: MakeDataset, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    """The same opinions as on a base of its own; the policy's adapter is untouched."""
    from peft import LoraConfig, get_peft_model

    from notewright.models import engine
    from notewright.reward.neural import GuestReward, NeuralReward
    from tiny_training import in_process

    rows = [{**row, "event_id": number, "kind": "ranking"} for number, row in enumerate(tiny_models.preference_rows(24))]
    dataset = library.home / make_dataset("preference", rows).path
    in_process("reward", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=4, members=2, precision="float32")
    model, tokenizer = engine.load_base(tiny("llama"))
    policy = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    own = {name: weight.requires_grad for name, weight in policy.named_parameters()}
    guest = GuestReward(tmp_path / "run" / "adapter", model=policy, tokenizer=tokenizer)
    alone = NeuralReward(tmp_path / "run" / "adapter", base=tiny("llama"), device="cpu")
    texts = [(row["prompt"], row[side][0]["content"]) for row in rows[:3] for side in ("chosen", "rejected")]
    policy.eval()
    for part, opinions in alone.opinions(texts).items():
        for mine, theirs in zip(guest.opinions(texts)[part], opinions, strict=True):
            assert mine == pytest.approx(theirs, abs=1e-3)
    policy.set_adapter("default")
    guest.close()  # the other processes of a training have no guests
    assert {name: weight.requires_grad for name, weight in policy.named_parameters()} == own
