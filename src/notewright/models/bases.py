"""Base models by name, and the memory they need. Light: reads configs and safetensors headers, loads no weights.

A base is `""` or `seedling` (bundled), a folder, or a hub id with an optional `@revision`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import Invalid, NotFound
from ..settings import expanded, is_hub_id, refuse_gguf
from . import download

SEEDLING = "seedling"
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "4bit": 0.56}
METHODS = ("draft", "lora", "qlora")
PYTHON_AND_TORCH = 700_000_000  # bytes that a process with the training libraries takes before it holds a model, as measured
WORK = 16_000_000  # bytes: kernels' buffers and pages of the mapped weights file, as measured
SAMPLES, SAMPLED = 64, 1024  # pieces of a file of weights that are in a folder's fingerprint (each layer has one), and bytes of each
SMALL = 1_000_000_000  # parameters; smaller bases are kept in float32, without activation checkpointing


@dataclass(frozen=True, slots=True)
class Base:
    """A base that lies in `folder`. `revision` is the hub's commit, the seedling's hash or a folder's fingerprint."""

    name: str
    folder: Path
    revision: str = ""


def seedling_folder() -> Path:
    return Path(str(files("notewright"))) / "seedling" / "model"


def fetch_base(name: str, *, revision: str = "") -> Base:
    """The base's folder; a hub id is downloaded if it is not in the cache yet (safetensors only). Raises as `on_disk` does."""
    if found := on_disk(name, revision=revision):
        return found
    name, _, pinned = name.partition("@")
    folder = download.snapshot(name, pinned or revision)
    return Base(name, folder, folder.name)


def on_disk(name: str, *, revision: str = "") -> Base | None:
    """The seedling or a folder; None for a hub id. Raises NotFound where there is none, Invalid where it is no model or, with `revision`,
    not what it was then (the hub keeps every revision)."""
    if name in ("", SEEDLING):
        found = _seedling()
    elif not is_hub_id(name) or expanded(name).exists():
        found = _folder(name, revision)
    else:
        return None
    if revision in ("", found.revision):
        return found
    if found.name == SEEDLING:
        raise Invalid(
            f"This model was trained on another seedling ({revision}) than the one in this notewright ({found.revision}).",
            "Train again (notewright train sft), use another version (notewright models list, then notewright models use ID), or install"
            " the notewright that it was trained with.",
        )
    raise Invalid(
        f"This model was trained on other files of {found.folder} ({revision}) than lie there now ({found.revision}).",
        "Put the former files back, train again (notewright train sft), or use another version: notewright models list",
    )


def has_config(name: str) -> bool:
    """Whether it is a folder that holds a model's config."""
    return (expanded(name) / "config.json").exists()


def _seedling() -> Base:
    folder = seedling_folder()
    if not (folder / "config.json").exists():
        raise NotFound("The bundled seedling model is missing from this installation.", "Name another base: --base HUB_ID_OR_PATH")
    return Base(SEEDLING, folder, hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12])


def _folder(name: str, revision: str) -> Base:
    folder = expanded(name).absolute()
    refuse_gguf(folder)
    if not folder.is_dir():
        if revision:
            raise NotFound(
                f"The base that this model was trained on is gone: {folder}",
                "Put the folder back, name where it lies now as base_model in config.toml, or train again: notewright train sft",
            )
        raise NotFound(f"There is no base model {name!r}.", "Name a folder, a hub id such as Qwen/Qwen3-0.6B, or seedling.")
    if not has_config(name):
        raise Invalid(f"{folder} is not a model folder: it has no config.json.", "Name a folder in Hugging Face format, or a hub id.")
    if not list(folder.glob("*.safetensors")):
        raise Invalid(f"{folder} has no .safetensors weights.", "Save the model in safetensors format first.")
    return Base(str(folder), folder, fingerprint(folder))


def fingerprint(folder: Path) -> str:
    """Of a model folder: config, tokenizer, and of each file of weights its name, its size and `SAMPLES` pieces from all over it. Training
    moves nearly all numbers, and neither names nor sizes; to read them all would take long. Times are left out (a copy has others), and of
    the config its layout and what each program that saves it puts there. Raises Invalid where a file cannot be read."""
    found = hashlib.sha256()
    try:
        config = json.loads((folder / "config.json").read_bytes(), object_hook=_lasting)
        found.update(json.dumps(config, sort_keys=True).encode())
        if (folder / "tokenizer.json").exists():
            found.update((folder / "tokenizer.json").read_bytes())
        for path in sorted(folder.glob("*.safetensors")):
            size = path.stat().st_size
            found.update(f"{path.name} {size}".encode())
            with path.open("rb") as file:
                for place in range(SAMPLES):
                    file.seek(size * place // SAMPLES)
                    found.update(file.read(SAMPLED))
    except ValueError as error:
        raise Invalid(f"{folder / 'config.json'} is not valid JSON: {error}", "Save or fetch the model again.") from error
    except OSError as error:
        raise Invalid(
            f"{error.filename or folder} cannot be read: {error.strerror}.",
            "Save or fetch the model again; where it is a link to nothing, delete the link if the model does not need it.",
        ) from error
    return found.hexdigest()[:12]


def _lasting(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in ("transformers_version", "_name_or_path", "dtype", "torch_dtype")}


def read_config(folder: Path) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {**config, **config.get("text_config", {})}


def _shape(config: Mapping[str, Any]) -> dict[str, int]:
    """The sizes that matter, under one set of names (GPT-J says n_embd where Llama says hidden_size)."""

    def first(*names: str, default: int = 0) -> int:
        return next((int(config[name]) for name in names if config.get(name)), default)

    hidden, heads = first("hidden_size", "n_embd"), first("num_attention_heads", "n_head", default=1)
    return {
        "hidden": hidden,
        "layers": first("num_hidden_layers", "n_layer"),
        "heads": heads,
        "kv_heads": first("num_key_value_heads", default=heads),
        "head": first("head_dim", default=hidden // heads),
        "inner": first("intermediate_size", "n_inner", default=4 * hidden),
        "vocabulary": first("vocab_size"),
        "matrices": 2 if "n_embd" in config else 3,
        "tied": int(bool(config.get("tie_word_embeddings", "n_embd" not in config and config.get("model_type") in TIED))),
    }


TIED = ("gemma", "gemma2", "gemma3", "gemma3_text")


def parameter_count(config: Mapping[str, Any], folder: Path | None = None) -> int:
    """Exact from the weights' headers where they are at hand, else from the config's sizes."""
    weights = sorted(folder.glob("*.safetensors")) if folder else []
    if weights:
        return sum(_count_file(path) for path in weights)
    s = _shape(config)
    attention = s["hidden"] * s["head"] * (2 * s["heads"] + 2 * s["kv_heads"])
    layer = attention + s["matrices"] * s["hidden"] * s["inner"] + 2 * s["hidden"]
    return s["layers"] * layer + s["vocabulary"] * s["hidden"] * (1 if s["tied"] else 2)


def _count_file(path: Path) -> int:
    """Raises Invalid where it is no header, or tells of more bytes than there are: a broken copy, or what git leaves in its place."""
    size, total, end = path.stat().st_size, 0, 0
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, size)))
        for name, tensor in header.items():
            if name != "__metadata__":
                total += math.prod(tensor["shape"])
                end = max(end, tensor["data_offsets"][1])
    except (ValueError, LookupError, TypeError, AttributeError):
        size = -1
    if size < 8 + length + end:
        raise Invalid(
            f"{path} is no whole file of weights: it is cut off or overwritten, or stands for one that was not fetched (Git LFS).",
            "Save or fetch the model again; in a folder from git with: git lfs pull",
        )
    return total


def adapter_count(config: Mapping[str, Any], rank: int) -> int:
    """Trainable numbers of a LoRA of this rank on all linear layers."""
    s = _shape(config)
    attention = s["hidden"] + s["heads"] * s["head"]
    ends = 2 * attention + 2 * (s["hidden"] + s["kv_heads"] * s["head"]) + s["matrices"] * (s["hidden"] + s["inner"])
    return rank * s["layers"] * ends


def memory_needed(
    config: Mapping[str, Any],
    *,
    method: str,
    dtype: str = "float32",
    tokens: int = 1024,
    rows: int = 4,
    rank: int = 16,
    completion: int = 256,
    activation_checkpointing: bool = False,
    half: bool = False,
    dropout: bool = True,
    on_cpu: bool = True,
    parameters: int = 0,
    among: int = 1,
) -> int:
    """Bytes for the model and its work, without Python and torch themselves.

    `method` is draft (rows = candidates, tokens = prompt and note; `dtype` may be 4bit), lora or qlora (rows = rows in a batch, tokens = a
    row's length, completion = trained tokens of a row, half = bfloat16 autocast over float32 weights, among = processes that the layers
    are split among).
    """
    assert method in METHODS, method
    s = _shape(config)
    quantised = method == "qlora" or dtype == "4bit"
    width = BYTES["4bit" if quantised else dtype]
    count = parameters or parameter_count(config)
    # 4-bit quantises the layers only; embeddings and head stay at 2 bytes.
    ends = s["vocabulary"] * s["hidden"] * (1 if s["tied"] else 2)
    layers = (count - ends) * width
    if among > 1:
        layers = layers / among + 2 * layers / s["layers"]  # the one that computes and the next one are whole
    weights = layers + ends * (2 if quantised else width)
    if method == "draft":
        cache = 2 * s["layers"] * s["kv_heads"] * s["head"] * tokens * rows * BYTES["bfloat16" if quantised else dtype]
        return int(weights + cache + 4 * s["vocabulary"] * rows * 4) + WORK
    adapter = adapter_count(config, rank) * 16  # weights, gradients and two Adam moments in float32
    layer = _kept_bytes(s, rank, half=half or dtype != "float32" or method == "qlora", dropout=dropout)
    kept = layer + s["layers"] * s["hidden"] * 4 if activation_checkpointing else s["layers"] * layer
    logits = completion * rows * s["vocabulary"] * 12
    return int(weights + adapter + rows * tokens * kept * (CPU_RETENTION if on_cpu else 1.0) + logits)


# The C library keeps freed blocks between forward and backward passes: after some 30 steps with rows of all lengths the resident peak is
# so many times what is live; between what two bases were measured at (1.7 and 2.4).
CPU_RETENTION = 1.85


def checks_needed(config: Mapping[str, Any], *, tokens: int, rows: int) -> int:
    """Bytes for the drafts that a training writes of `rows` held-out prompts to measure itself by: their keys and values, and the work of
    reading the prompts, in float32."""
    s = _shape(config)
    return rows * tokens * 4 * (2 * s["layers"] * s["kv_heads"] * s["head"] + 4 * s["hidden"] + 3 * s["inner"])


def _kept_bytes(s: Mapping[str, int], rank: int, *, half: bool, dropout: bool) -> int:
    """What one layer keeps of one token for the backward pass, under LoRA on all linear layers.

    Inputs of both norms; per adapted matrix its input (a copy of its own under autocast or dropout, and dropout's noise); queries, keys,
    values and output of the attention; gate, activation, up and their product.
    """
    hidden, heads, inner = s["hidden"], s["heads"] * s["head"], s["inner"]
    kept = {
        (False, False): 20 * hidden + 20 * heads + 20 * inner,
        (False, True): 48 * hidden + 24 * heads + 20 * inner,
        (True, False): 24 * hidden + 10 * heads + 10 * inner,
        (True, True): 38 * hidden + 12 * heads + 10 * inner,
    }[half, dropout]
    return kept + 14 * rank * (2 if half else 4)


def free_memory() -> int:
    """Free main memory in bytes (the graphics card's is asked by the worker, which has torch)."""
    import psutil

    return int(psutil.virtual_memory().available)


TRAIN_HINT = "Choose a smaller base, max_length or batch_size, close other programs, or add --force to try all the same."
DRAFT_HINT = "Choose a smaller base, or close other programs."


def require_memory(needed: int, free: int, *, what: str, hint: str = TRAIN_HINT, override: bool = False) -> None:
    """Refuse work that cannot fit; `override` lets the person try."""
    if needed > free and not override:
        raise Invalid(
            f"{what} needs about {readable(needed)} of memory, but {readable(free)} is free.",
            hint,
        )


def readable(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def short(count: int) -> str:
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.1f}M"
