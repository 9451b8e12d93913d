"""The catalogue's sizes agree with the models' names, and recommendations fit the machine."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from notewright.models import catalogue
from notewright.models.catalogue import CATALOGUE, Entry

GB = 10**9


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_the_sizes_give_about_the_parameters_that_the_name_says(entry: Entry) -> None:
    found = re.search(r"(\d+(?:\.\d+)?)([MBb])(?:-|$)", entry.id.partition("/")[2])
    named = float(found[1]) * (1e6 if found[2] == "M" else 1e9) if found else 12.2e9  # Mistral Nemo's name says none
    assert entry.parameters == pytest.approx(named, rel=0.25)


def test_the_catalogue_goes_from_small_to_large() -> None:
    sizes = [entry.parameters for entry in CATALOGUE]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.2e9
    assert 12e9 < sizes[-1] < 14e9


def test_more_memory_never_recommends_a_smaller_base() -> None:
    best = [catalogue.recommend(free * GB, device="cuda") for free in (2, 4, 8, 12, 24, 48)]
    sizes = [entry.parameters if entry else 0 for entry in best]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 12e9


@pytest.mark.parametrize("free", [4, 8, 16, 64])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_recommended_fits(free: int, device: str) -> None:
    entry = catalogue.recommend(free * GB, device=device)
    assert entry is not None
    needs = catalogue.needs(entry)
    assert (needs.draft_4bit if device == "cuda" else needs.draft) < free * GB  # the engine takes 4 bits where a card is too small
    assert (needs.qlora if device == "cuda" else needs.lora) < free * GB
    assert needs.draft_4bit < needs.draft
    assert not entry.gated
    assert entry.chat


def test_what_is_never_recommended_says_why() -> None:
    assert [entry.id for entry in CATALOGUE if not entry.chat and "never recommended" not in entry.remark] == []
    assert [entry.id for entry in CATALOGUE if not entry.chat] == ["EleutherAI/gpt-j-6b"]


def test_too_little_memory_recommends_nothing() -> None:
    assert catalogue.recommend(GB // 2) is None


def test_a_slow_processor_is_recommended_a_base_that_it_can_wait_for() -> None:
    named = [entry.id if (entry := catalogue.recommend(64 * GB, speed=speed)) else "" for speed in (1e9, 65e9, 400e9, 4e15)]
    assert named[:3] == ["HuggingFaceTB/SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct", "Qwen/Qwen3-1.7B"]
    assert named[3] == catalogue.recommend(64 * GB).id  # type: ignore[union-attr]
    smallest = catalogue.CATALOGUE[0]
    assert 20 < catalogue.draft_seconds(smallest, 65e9) < 60, "33 s measured"
    assert catalogue.recommend(64 * GB, device="cuda", speed=1e9) == catalogue.recommend(64 * GB, device="cuda")


def test_the_processor_is_measured_in_a_moment() -> None:
    assert 1e8 < catalogue.speed() < 1e15


def test_a_processor_with_bfloat16_of_its_own_is_told_to_be_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PROCESSOR", tmp_path / "cpuinfo")
    told = {}
    for flags in ("avx2 avx512f", "avx512f avx512_bf16", "amx_bf16 amx_tile", ""):
        if flags:
            catalogue.PROCESSOR.write_text(f"processor : 0\nflags : fpu {flags}\n")
        else:
            catalogue.PROCESSOR.unlink()  # another system
        seconds = itertools.count()
        monkeypatch.setattr(catalogue.time, "perf_counter", lambda seconds=seconds: float(next(seconds)))
        told[flags] = catalogue.speed()
    plain = told["avx2 avx512f"]
    assert list(told.values()) == [plain, catalogue.IN_BFLOAT16 * plain, catalogue.IN_BFLOAT16 * plain, plain]
