"""A base that is split between two processes writes, judges and learns as a whole one does, whatever the other process is at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import tiny_models
from notewright.errors import Invalid
from notewright.library import Library
from notewright.models import bases
from notewright.records import Dataset
from notewright.training import METHODS, session
from tiny_training import in_process

pytestmark = pytest.mark.slow
PROGRAM = """
import json, os, sys
from pathlib import Path
import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from notewright.models import engine, splitting
from notewright.models.generation import sample
from notewright.reward.neural import GuestReward, NeuralReward
from notewright.training import processes, writing

meeting, base, reward, texts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
rank = processes.rank()
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)


def adapted():
    model, tokenizer = engine.load_base(base)
    torch.manual_seed(0)
    return get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")).eval(), tokenizer


(whole, tokenizer), (part, _) = adapted(), adapted()
splitting.split(part, part.get_base_model(), "cpu")
told = {"numbers": sum(getattr(w, "to_local", lambda w=w: w)().numel() for w in part.parameters())}
told["of"] = sum(w.numel() for w in whole.parameters())

# One of them has two prompts and is soon at its end, the other has one and goes on.
asked = [[[5, 6, 7], [8, 9]], [[10, 11, 12, 13]]][rank]
stops = set(range(0, 400, 2)) if rank == 0 else set()
given = {"seeds": range(2 * len(asked)), "stops": stops, "pad": 0, "max_new_tokens": 6}
drafts = sample(whole.get_base_model(), asked, **given)
told["same"] = [sample(part.get_base_model(), asked, **given) == drafts]  # the layers stay whole
splitting.ROOM = -1.0
told["same"].append(sample(part.get_base_model(), asked, **given) == drafts)  # there is no room for that
told["lengths"] = [len(draft) for draft in drafts]

alone = NeuralReward(reward, base=base, device="cpu")
mine = texts[:1] if rank == 0 else texts[1:]
desk = object.__new__(writing.Desk)
guest = GuestReward(reward, model=part, tokenizer=tokenizer)


class Judge:
    neural = guest

    def __call__(self, rows, texts, finished):
        return [score.mean for score in guest.score([(row["prompt"], text) for row, text in zip(rows, texts)])]


desk.judge, desk.adapter = Judge(), "default"
desk.session = type("Session", (), {"model": part})
paid = desk.pay([row for row, _ in mine], [text for _, text in mine], [True] * len(mine))
own = [score.mean for score in alone.score([(row["prompt"], text) for row, text in mine])]
told["apart"] = max(abs(a - b) for a, b in zip(paid, own, strict=True))
guest.close()

found = []
for model in (whole, part):
    model.set_adapter("default")
    loss = model(input_ids=torch.tensor([[5, 6, 7, 8 + rank]]), labels=torch.tensor([[5, 6, 7, 8 + rank]])).loss
    loss.backward()
    found.append([weight.grad for weight in model.parameters() if weight.grad is not None])
told["gradients"] = all(torch.equal(a, b) for a, b in zip(*found, strict=True)) and len(found[0]) > 0
print(json.dumps(told), flush=True)
os._exit(0)
"""


def test_two_processes_with_a_split_base(
    library: Library, make_dataset: Callable[[str, list[dict]], Dataset], tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = [{**row, "event_id": number, "kind": "ranking"} for number, row in enumerate(tiny_models.preference_rows(24))]
    dataset = library.home / make_dataset("preference", rows).path
    in_process("reward", tmp_path / "run", base=tiny("llama"), dataset=dataset, max_steps=1, members=2, precision="float32")
    # So many and so long that the second process alone would read its texts in more passes than the first.
    texts = [({"prompt": row["prompt"]}, row["chosen"][0]["content"] * 20) for row in rows[:12]]
    given = [str(tmp_path / "meeting"), str(tiny("llama")), str(tmp_path / "run" / "adapter"), json.dumps(texts)]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *given], env=os.environ | {"RANK": rank, "WORLD_SIZE": "2"}, stdout=subprocess.PIPE
        )
        for rank in ("0", "1")
    ]
    said = [one.communicate(timeout=300)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    told: list[dict[str, Any]] = [json.loads(text.splitlines()[-1]) for text in said]
    for one in told:
        assert one["numbers"] < 0.8 * one["of"]
        assert one["same"] == [True, True]
        assert one["apart"] < 1e-3
        assert one["gradients"]
    assert max(told[0]["lengths"]) < min(told[1]["lengths"])


def test_a_base_that_all_processes_of_a_machine_cannot_read_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "free_memory", lambda: 60_000_000_000)
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    job: Any = SimpleNamespace(base="org/large", force=False)
    session.require_room(job, 7_000_000_000, torch.bfloat16)
    with pytest.raises(Invalid, match=r"org/large.* 4 processes of this machine at once, needs about 64.0 GB .* 60.0 GB is free") as caught:
        session.require_room(job, 8_000_000_000, torch.bfloat16)
    assert "fewer processes" in caught.value.hint
    job.force = True
    session.require_room(job, 8_000_000_000, torch.bfloat16)


def test_a_split_base_is_not_read_before_there_is_room(
    library: Library, make_dataset: Callable[[str, list[dict]], Dataset], tiny: Callable[[str], Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(bases, "free_memory", lambda: 1000)
    monkeypatch.setattr(session, "among_processes", lambda _: True)
    for method, rows in (("sft", tiny_models.sft_rows(20)), ("reward", tiny_models.preference_rows(40))):
        dataset = library.home / make_dataset(METHODS[method], rows).path
        with pytest.raises(Invalid, match="processes of this machine"):
            in_process(method, tmp_path / method, base=tiny("llama"), dataset=dataset, max_steps=1)


def test_a_split_base_needs_less_of_each_card() -> None:
    config = {
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "intermediate_size": 14336, "vocab_size": 128256,
    }  # fmt: skip
    one, four = (bases.memory_needed(config, method="lora", dtype="bfloat16", among=among, on_cpu=False) for among in (1, 4))
    layers = 14e9  # of 16 GB
    assert one - four == pytest.approx(layers * (3 / 4 - 2 / 32), rel=0.02)
