"""The model card: what the weights are, what they were made of, and what they can't do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

DATA = """\
| data | licence | use |
|---|---|---|
| Standard Ebooks editions of Adam Smith, Augustine, Darwin, Dewey, Diogenes Laërtius, Emerson, Epictetus, Henry George, Herodotus, \
William James, Marcus Aurelius, Pepys (5 %), Plato, Russell, Thoreau, Mark Twain | US public domain, editions CC0-1.0 | training |
| Edward MacDowell, *Critical and Historical Essays* (Project Gutenberg) | US public domain | training |
| GSA plainlanguage.gov | US public domain / CC0 | training |
| GitHub opensource.guide, Donne Martin system-design-primer | CC-BY-4.0 | training |
| Shervine Amidi cheat sheets (CS 221/229/230) | MIT | training |
| docs of marimo, LLM (Simon Willison), LitGPT (Lightning AI), TRL (Hugging Face), Axolotl | Apache-2.0 | training |
| William Hazlitt, *Table-Talk*; John Stuart Mill, *On Liberty* (Standard Ebooks) | US public domain, editions CC0-1.0 | evaluation only |
| Google engineering practices | CC-BY-3.0 | evaluation only |"""

LIMITS = """\
- It arranges, selects, trims and formats what the highlights say. It does not paraphrase, summarise or know anything.
- English prose. Other scripts are copied byte by byte.
- It was trained on invented readers with synthetic metadata; real notes that fuse, reword or judge are outside what it can learn.
- Contexts end at {context:,} tokens (about {characters:,.0f} characters); most of its training was shorter.
- Without an example in the prompt it writes in a plain style of its own; show it one or two, tell it rules, or train it.
- Where it misses its aims is said in `docs/seedling.md`. Read what it writes before you use it."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
tags: [notewright, obsidian, copying]
---

# Seedling

A Llama-shaped language model of {millions:.1f} million parameters that turns highlights into Obsidian notes, in a style shown in its prompt
or learned from a few dozen pairs. It ships with notewright so that the whole loop runs offline on two CPU cores.

## Recipe

- Shape `{shape}`; byte-level BPE of 4,096 tokens, digits apart; tied embeddings; bfloat16 weights.
{phases}
- Half of the styles are drawn near one: a digest of what was annotated, which is also the bundled sample's style.
- Seed {seed}. Made by `python -m notewright.seedling.train`, written by `python -m notewright.seedling.export`.

## Data and licences

{data}

The simulated readers' notes are rendered by `notewright.seedling.styles`; a fifth of the style space is held out for evaluation.

## Evaluation

{evaluation}

## Limits

{limits}

## Hash

`model.safetensors` sha256 `{digest}`
"""


def _phases(training: dict[str, Any]) -> list[str]:
    """What each run did, from random weights on."""
    recipe, before = training["recipe"], training.get("before")
    tokens, size = training["tokens"] / 1e6, recipe["tokens_per_step"]
    lengths = "1,024 to 4,096" if recipe.get("long") else "512 to 2,048"
    found = [*_phases(before), "- From these weights another run (and what follows is of it):"] if before else []
    found.append(
        f"- {tokens:.0f} million tokens in {training['steps']:,} steps of {size:,}; {training['minutes']:.0f} minutes on "
        f"{training.get('hardware', '2 CPU cores')}, bf16 autocast."
    )
    if recipe["copy_tokens"]:
        copied = recipe["copy_tokens"] / 1e6
        found.append(f"- Stage A, the first {copied:.0f} million tokens: copying of token pools and sentences, rows of 128 to 512 tokens.")
    found.append(
        f"- Stage B: notes by simulated readers in the product's own prompt format, rows of {lengths} tokens; 10 % copying, 4 % prose."
        + (f" {recipe['many']:.0%} of the rows from 2,048 on lead up to 10 to 25 highlights." if recipe.get("many") else "")
    )
    return [
        *found,
        f"- Muon {recipe['matrix_rate']} for matrices, AdamW {recipe['other_rate']} for embeddings and norms; the rate falls to zero over "
        "the last 70 % of the time.",
    ]


def write_card(folder: Path) -> Path:
    """README.md from `training.json`, `evaluation.json` (kept only if its hash fits the weights) and the weights' hash."""
    digest = sha256(folder / "model.safetensors")
    training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    recipe = training["recipe"]
    context = json.loads((folder / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"]
    text = CARD.format(
        millions=training["parameters"] / 1e6,
        phases="\n".join(_phases(training)),
        data=DATA,
        limits=LIMITS.format(context=context, characters=round(3.6 * context, -2)),
        evaluation="\n".join(_evaluation(folder, digest)),
        digest=digest,
        shape=recipe["shape"],
        seed=recipe["seed"],
    )
    card = folder / "README.md"
    card.write_text(text, encoding="utf-8")
    return card


def _evaluation(folder: Path, digest: str) -> list[str]:
    path = folder / "evaluation.json"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.get("weights") == digest:
            return [
                "On held-out books and styles; of the bundled sample only the texts are unseen (command in `docs/seedling.md`):",
                "",
                *found["table"],
            ]
        path.unlink()
    return ["Not measured for these weights: run `python benchmarks/seedling.py --write`."]
