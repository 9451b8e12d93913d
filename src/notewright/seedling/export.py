"""A training checkpoint as a Hugging Face folder: `python -m notewright.seedling.export CHECKPOINT [--out FOLDER]`.

Weights are bfloat16; the chat template marks what the assistant says; `training.json` says how the weights came about.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast

from . import tokenizer as tokenizers
from .card import write_card
from .chat import TEMPLATE
from .network import CONTEXT, build
from .tokenizer import END, PAD, ROLES


def fast_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of `folder` as transformers wants it, with the chat template."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.load(folder),
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[f"<|{role}|>" for role in ROLES],
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def export(checkpoint: Path, out: Path, hardware: str) -> Path:
    """Write the folder; an existing evaluation there stays only if it was made with the same weights. `hardware` is for the card."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    recipe, progress = state["recipe"], state["progress"]
    model = build(recipe["shape"], 0)
    model.load_state_dict(state["model"])
    torch.nn.Module.to(model, torch.bfloat16)
    model.generation_config = GenerationConfig(eos_token_id=1, pad_token_id=0)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    fast_tokenizer(checkpoint.parent / "tokenizer").save_pretrained(out)
    training = {
        "recipe": recipe,
        "parameters": model.num_parameters(),
        "steps": progress["step"],
        "tokens": progress["tokens"],
        "minutes": round(progress["elapsed"] / 60, 1),
        "hardware": hardware,
    }
    before = checkpoint.parent / "before.json"  # how the weights came about that the run began with
    if recipe["started_from"] and before.exists():
        training["before"] = json.loads(before.read_text(encoding="utf-8"))
    (out / "training.json").write_text(json.dumps(training, indent=2) + "\n", encoding="utf-8")
    for file in out.iterdir():
        os.chmod(file, 0o644)
    write_card(out)
    return out


def main() -> None:
    from . import model_dir

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=model_dir())
    parser.add_argument("--hardware", default="2 CPU cores", help="where it was trained, for the card")
    given = parser.parse_args()
    out = export(given.checkpoint, given.out, given.hardware)
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"{out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
