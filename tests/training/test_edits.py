"""Learning from edits: which tokens are learnt, which are left alone, and what it does to a tiny base."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from notewright.errors import Invalid, RunFailed
from notewright.feedback.hunks import hunks
from notewright.library import Library
from notewright.records import Dataset
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
HIGHLIGHTS = ["Willow cuttings hold a bank better than stone, because their roots grow into the gravel."]
SHOWN = "## Banks\n- Willow cutings hold a bank better than stone.\n- Roots grow into the gravel.\n"
EDITED = "### Banks\n- Willow cuttings hold a bank more firmly than stone.\n- My grandmother planted them in 1987.\n"


def typed(before: str, after: str) -> list[dict[str, Any]]:
    return [asdict(hunk) for hunk in hunks(before, after, highlights=HIGHLIGHTS, draft=before)]


def row(before: str, after: str, number: int = 0) -> dict[str, Any]:
    return {
        "prompt": [{"role": "user", "content": f"{number}. {HIGHLIGHTS[0]}"}],
        "shown": [{"role": "assistant", "content": before}],
        "edited": [{"role": "assistant", "content": after}],
        "hunks": typed(before, after), "cost": 0.3, "source_id": f"s{number % 3}", "event_id": number + 1,
    }  # fmt: skip


def test_the_chain_makes_one_change_after_the_other() -> None:
    from notewright.training.edits import chain, laid

    changes = typed(SHOWN, EDITED)
    assert {"typo", "format", "style", "added fact"} <= {change["kind"] for change in changes}
    links = chain(changes, 12)
    texts = [laid(SHOWN, changes, sum(links[:number], []))[0] for number in range(1, len(links) + 1)]
    assert "cuttings" in texts[0]  # typos and facts are no taste: they are there from the first step on
    assert "1987" in texts[0]
    assert texts[0].startswith("## Banks")
    assert texts[1].startswith("### Banks")
    assert texts[-1] == EDITED
    assert [len(link) for link in chain(changes, 1)][1:] == [sum(map(len, links[1:]))]


@settings(max_examples=60)
@given(st.text("ab #-.\nC1", max_size=30), st.text("ab #-.\nC1", max_size=30), st.integers(1, 4))
def test_every_chain_ends_at_the_edited_text(before: str, after: str, most: int) -> None:
    from notewright.training.edits import chain, laid

    changes = typed(before, after)
    links = chain(changes, most)
    text, spans = laid(before, changes, sum(links, []))
    assert text == after
    assert all(text[start:end] == change["after"] for (start, end), change in zip(spans, changes, strict=True))
    first, places = laid(before, changes, [])
    assert first == before
    assert all(first[start:end] == change["before"] for (start, end), change in zip(places, changes, strict=True))


def test_what_is_put_in_counts_most_facts_nothing_and_typos_as_the_rest() -> None:
    from notewright.models import chat
    from notewright.training.edits import encode
    from notewright.training.recipes import EditsRecipe

    tokenizer = chat.prepare_tokenizer(tiny_models.tokenizer("llama"))
    (unit,), too_long = encode([row(SHOWN, EDITED)], tokenizer, 2048, EditsRecipe(shared=0.1, links=4))
    assert too_long == 0
    place, target = unit.marks[0]
    assert chat.decode(tokenizer, unit.texts[place]) == EDITED

    def by_weight(number: int, weights: list[float]) -> dict[float, str]:
        found: dict[float, list[int]] = {}
        for token, weight in zip(unit.texts[number], weights, strict=True):
            found.setdefault(weight, []).append(token)
        return {weight: chat.decode(tokenizer, ids) for weight, ids in found.items()}

    told = by_weight(place, target)
    assert "more firmly" in told[1.0]
    assert "grandmother" in told[0.0]
    assert "1987" in told[0.0]
    assert "cuttings" in told[0.1]
    assert {0.0, 0.1, 0.5, 1.0} == set(told)
    number, struck = unit.marks[1]
    assert "better" in by_weight(number, struck)[1.0]
    assert "cut" not in by_weight(number, struck)[1.0]


@pytest.fixture
def edits(tiny: Callable[[str], Path], tmp_path: Path, library: Library, make_dataset: Callable[[str, list[dict]], Dataset]) -> dict:
    """Twelve edits of the same habit: bold becomes plain, the heading goes one deeper."""
    rows = []
    for number, made in enumerate(tiny_models.sft_rows(12)):
        before = made["completion"][0]["content"]
        rows.append(row(before, before.replace("## ", "### ").replace("**", ""), number))
    return {"base": tiny("llama"), "dataset": library.home / make_dataset("edits", rows).path}


def test_the_edited_text_gains_and_a_killed_run_ends_alike(edits: dict, tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_steps": 12, "batch_size": 4, "learning_rate": 5e-3, **edits}
    straight = in_process("edits", tmp_path / "straight", **options)
    assert straight["valid_margin"] > 0.5
    assert straight["valid_accuracy"] > 0.8
    assert straight["loss"] < straight["first_loss"]
    killed = in_process("edits", tmp_path / "killed", kill_at=7, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
    assert killed["tokens"] == straight["tokens"]


def test_too_few_edits_are_refused(edits: dict, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"0 usable rows \(9 more .*at least 4"):
        in_process("edits", tmp_path / "run", max_length=20, **edits)


def test_the_nearest_state_that_is_sound_is_kept() -> None:
    from types import SimpleNamespace

    from notewright.training.guard import EditGuard
    from notewright.training.recipes import EditsRecipe

    guard = EditGuard.__new__(EditGuard)
    guard.session = SimpleNamespace(recipe=EditsRecipe(), folder=Path())  # type: ignore[assignment]
    guard.judges, guard.checks = 4, [(10, {"distance": 0.4, "invalid": 0.0}), (20, {"distance": 0.1, "invalid": 0.25})]
    assert (guard.kept, guard.over) == (10, False)
    guard.checks.append((30, {"distance": 0.4, "invalid": 0.0}))
    assert (guard.kept, guard.over) == (30, True)
    guard.judges = 0  # texts that are being learnt say nothing about nearness
    assert (guard.kept, guard.over) == (30, False)
    guard.checks += [(40, {"distance": 0.0, "invalid": 1.0}), (50, {"distance": 0.0, "invalid": 0.5})]
    assert (guard.kept, guard.over) == (30, True)
    guard.session.recipe = EditsRecipe(max_invalid=0.0)
    assert guard.kept == 50
    guard.session.recipe, guard.checks = EditsRecipe(), guard.checks[-2:]
    with pytest.raises(RunFailed, match="At step 50 50% more drafts do not end"):
        guard.restore()


@pytest.mark.parametrize("held_out", [5, 0])
def test_a_watched_training_keeps_its_best_state_and_a_killed_one_the_same(edits: dict, tmp_path: Path, held_out: int) -> None:
    rows = (edits["dataset"] / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.jsonl").write_text("".join(rows[held_out:]), encoding="utf-8")
    (data / "valid.jsonl").write_text("".join(rows[:held_out]), encoding="utf-8")
    options: dict[str, Any] = {**edits, "dataset": data, "max_steps": 30, "batch_size": 4, "learning_rate": 5e-3, "max_invalid": 0.0}
    straight = in_process("edits", tmp_path / "straight", **options)
    assert [step for step, _ in straight["checks"]][:2] == [10, 20]
    if held_out:
        least = min(seen["distance"] for _, seen in straight["checks"])
        assert straight["distance"] == least
        assert dict(straight["checks"])[straight["kept_step"]]["distance"] == least
    else:
        assert straight["kept_step"] == 30
        assert "distance" not in straight
    killed = in_process("edits", tmp_path / "killed", kill_at=14, **options)
    assert killed["checks"] == straight["checks"]
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
