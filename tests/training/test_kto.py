"""KTO: refused where there is too little, otherwise what was accepted gains on what was rejected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.errors import Invalid
from notewright.library import Library
from notewright.records import Dataset
from tiny_training import in_process, same, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
MakeDataset = Callable[[str, list[dict]], Dataset]


def labelled(count: int, *, rejected: int) -> list[dict]:
    """Every so many-th draft is one that the person rejected: words before the note, no marks."""
    rows = []
    for number, row in enumerate(tiny_models.sft_rows(count)):
        bad = number % (count // rejected) == 0
        text = row["completion"][0]["content"]
        text = "Here is the note: " + text.replace("*", "") if bad else text
        rows.append({"prompt": row["prompt"], "completion": [{"role": "assistant", "content": text}], "label": not bad})
    return rows


def test_accepted_drafts_gain_and_a_killed_run_ends_alike(
    tiny: Callable[[str], Path], tmp_path: Path, library: Library, make_dataset: MakeDataset
) -> None:
    dataset = library.home / make_dataset("labels", labelled(306, rejected=102)).path
    options = {"base": tiny("llama"), "dataset": dataset, "max_steps": 12, "learning_rate": 2e-3, "length_grouping": "off"}
    straight = in_process("kto", tmp_path / "straight", **options)
    assert straight["accepted"] + straight["rejected"] == 303
    assert straight["reward_accepted"] > straight["reward_rejected"]
    killed = in_process("kto", tmp_path / "killed", kill_at=9, **options)
    assert same(weights(tmp_path / "straight" / "adapter"), weights(tmp_path / "killed" / "adapter"))
    assert killed["tokens"] == straight["tokens"]


@pytest.mark.parametrize(
    ("count", "rejected", "words"), [(40, 10, "needs at least 300"), (306, 18, "18 of 303 .* rejected; kto needs at least 45 of each")]
)
def test_too_little_is_refused(
    count: int, rejected: int, words: str, tiny: Callable[[str], Path], tmp_path: Path, library: Library, make_dataset: MakeDataset
) -> None:
    dataset = library.home / make_dataset("labels", labelled(count, rejected=rejected)).path
    with pytest.raises(Invalid, match=words):
        in_process("kto", tmp_path / "run", base=tiny("llama"), dataset=dataset)
