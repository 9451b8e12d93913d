"""Open base models worth naming, from 0.1 to 13 billion parameters: what each is, needs and allows.

A short list, not a registry: any Hub id or folder in Hugging Face format works as a base. Sizes are those of the published configurations,
from which the same formulas as everywhere (`bases.memory_needed`) reckon the memory.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bases

SPARE = 0.85  # share of the free memory that a recommendation may fill
# An operation a parameter and token: with LoRA 2 forth and 2 back (no gradients of the base); beside the policy the version before it reads
# both texts of a comparison. A row of the sample's notes has a thousand tokens, half of the prompts with examples.
OPERATIONS = {"sft": 4, "kto": 6, "dpo": 12, "ditto": 12}
ROW = 1000
TAUGHT_AT = 0.4  # share of its speed that a processor reached in SFT of a base of 135 million parameters
PATIENCE = 120  # seconds that a draft may take on a processor
READ, WRITTEN = 1200, 800  # tokens of a draft's prompt with two examples, and of its four candidates
IN_BFLOAT16 = 1.6  # times as fast is a draft where bfloat16 is the processor's own (docs/benchmarks.md)
PROCESSOR = Path("/proc/cpuinfo")
ALONE = 10  # times as long as a token of a prompt takes one that is written, beside three others only (lab notes)


@dataclass(frozen=True, slots=True)
class Entry:
    """One base. `config` holds the sizes under Llama's names; `gated` ones ask for a licence to be accepted on the Hub first; those without
    `chat` training need more pairs than most people have before they write a note."""

    id: str
    licence: str
    context: int
    config: Mapping[str, Any]
    gated: bool = False
    chat: bool = True
    remark: str = ""

    @property
    def parameters(self) -> int:
        return bases.parameter_count(self.config)


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes of memory, Python and torch included: three drafts of 1,024 tokens, also in 4 bits; LoRA and QLoRA with rows of 1,024 tokens,
    four at a time, and activation checkpointing, which training switches on where memory is short."""

    draft: int
    draft_4bit: int
    lora: int
    qlora: int


def _sizes(hidden: int, layers: int, heads: int, kv: int, inner: int, vocabulary: int, head: int = 0, *, tied: bool) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
        "intermediate_size": inner, "vocab_size": vocabulary, "tie_word_embeddings": tied, **({"head_dim": head} if head else {}),
    }  # fmt: skip


_GPTJ = {"model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "vocab_size": 50400, "tie_word_embeddings": False}
_APACHE, _LLAMA = "Apache-2.0", "Llama community licence"

CATALOGUE = (
    Entry("HuggingFaceTB/SmolLM2-135M-Instruct", _APACHE, 8192, _sizes(576, 30, 9, 3, 1536, 49152, tied=True)),
    Entry("HuggingFaceTB/SmolLM2-360M-Instruct", _APACHE, 8192, _sizes(960, 32, 15, 5, 2560, 49152, tied=True)),
    Entry("Qwen/Qwen3-0.6B", _APACHE, 40960, _sizes(1024, 28, 16, 8, 3072, 151936, 128, tied=True)),
    Entry("meta-llama/Llama-3.2-1B-Instruct", _LLAMA, 131072, _sizes(2048, 16, 32, 8, 8192, 128256, 64, tied=True), gated=True),
    Entry("HuggingFaceTB/SmolLM2-1.7B-Instruct", _APACHE, 8192, _sizes(2048, 24, 32, 32, 8192, 49152, tied=True)),
    Entry("Qwen/Qwen3-1.7B", _APACHE, 40960, _sizes(2048, 28, 16, 8, 6144, 151936, 128, tied=True)),
    Entry("HuggingFaceTB/SmolLM3-3B", _APACHE, 65536, _sizes(2048, 36, 16, 4, 11008, 128256, tied=True)),
    Entry("meta-llama/Llama-3.2-3B-Instruct", _LLAMA, 131072, _sizes(3072, 28, 24, 8, 8192, 128256, 128, tied=True), gated=True),
    Entry("Qwen/Qwen3-4B-Instruct-2507", _APACHE, 262144, _sizes(2560, 36, 32, 8, 9728, 151936, 128, tied=True)),
    Entry(
        "EleutherAI/gpt-j-6b", _APACHE, 2048, _GPTJ, chat=False,
        remark="no chat training, so it needs more pairs than most people have and is never recommended; where its repository holds"
        " pickles only, notewright refuses it: convert it to safetensors first",
    ),
    Entry("mistralai/Mistral-7B-Instruct-v0.3", _APACHE, 32768, _sizes(4096, 32, 32, 8, 14336, 32768, tied=False)),
    Entry("allenai/OLMo-2-1124-7B-Instruct", _APACHE, 4096, _sizes(4096, 32, 32, 32, 11008, 100352, tied=False)),
    Entry("meta-llama/Llama-3.1-8B-Instruct", _LLAMA, 131072, _sizes(4096, 32, 32, 8, 14336, 128256, tied=False), gated=True),
    Entry("Qwen/Qwen3-8B", _APACHE, 40960, _sizes(4096, 36, 32, 8, 12288, 151936, 128, tied=False)),
    Entry("mistralai/Mistral-Nemo-Instruct-2407", _APACHE, 131072, _sizes(5120, 40, 32, 8, 14336, 131072, 128, tied=False)),
    Entry("allenai/OLMo-2-1124-13B-Instruct", _APACHE, 4096, _sizes(5120, 40, 40, 40, 13824, 100352, tied=False)),
)  # fmt: skip


def needs(entry: Entry) -> Needs:
    """What drafting and training need, in the number formats that notewright picks for a base of this size."""
    small = entry.parameters <= bases.SMALL
    dtype = "float32" if small else "bfloat16"

    def training(method: str, *, on_cpu: bool) -> int:
        return bases.memory_needed(
            entry.config, method=method, dtype=dtype, activation_checkpointing=True, half=True, dropout=False, on_cpu=on_cpu
        )

    return Needs(
        draft=bases.memory_needed(entry.config, method="draft", dtype=dtype, rows=3) + bases.PYTHON_AND_TORCH,
        draft_4bit=bases.memory_needed(entry.config, method="draft", dtype="4bit", rows=3) + bases.PYTHON_AND_TORCH,
        lora=training("lora", on_cpu=small) + bases.PYTHON_AND_TORCH,
        qlora=training("qlora", on_cpu=False) + bases.PYTHON_AND_TORCH,
    )


def speed(*, training: bool = False) -> float:
    """Floating operations a second of this processor, in products of large float32 matrices, and more where drafts are written in
    bfloat16, which makes no `training` faster; takes half a second."""
    import numpy

    left, right = numpy.ones((1024, 2048), numpy.float32), numpy.ones((2048, 2048), numpy.float32)

    def once() -> float:
        started = time.perf_counter()
        left @ right
        return time.perf_counter() - started

    faster = IN_BFLOAT16 if not training and _knows_bfloat16() else 1.0
    return faster * 2 * left.size * right.shape[1] / min(once() for _ in range(3))


def _knows_bfloat16() -> bool:
    """As Linux tells it: torch, which `precision` asks, takes seconds to load."""
    try:
        told = PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in told or "amx_bf16" in told


def draft_seconds(entry: Entry, speed: float) -> float:
    """About how long a draft takes on a processor of that `speed`."""
    return 2 * entry.parameters * (READ + ALONE * WRITTEN) / speed


def _least(needs: Needs, device: str) -> int:
    """On a card both training and drafting do with 4 bits."""
    return max(needs.draft_4bit, needs.qlora) if device == "cuda" else max(needs.draft, needs.lora)


def training_seconds(method: str, parameters: int, rows: int, speed: float) -> float:
    """About how long a processor of that `speed` learns from so many rows, each counted as often as it is read; 0 where nobody knows."""
    return OPERATIONS.get(method, 0) * parameters * rows * ROW / (TAUGHT_AT * speed)


def recommend(free: int, *, device: str = "cpu", speed: float = math.inf) -> Entry | None:
    """The largest ungated base with chat training that this machine can both draft with and train; None where even the smallest is too
    much.

    `free` is free memory in bytes: the card's for cuda (where 4 bits count), main memory else. On a CPU of that `speed` a draft must not
    take longer than `PATIENCE`, whatever the memory, unless the smallest does.
    """
    room = free * SPARE
    fitting = [entry for entry in CATALOGUE if entry.chat and not entry.gated and _least(needs(entry), device) <= room]
    quick = [entry for entry in fitting if device != "cpu" or draft_seconds(entry, speed) <= PATIENCE]
    return max(quick or fitting[:1], key=lambda entry: entry.parameters, default=None)
