"""Notes that say more than their highlights: what SFT learns of them, and what of the part that the highlights tell.

    python benchmarks/own_words.py [--styles 6] [--pairs 30] [--write]

Readers of unseen books with styles that the seedling never saw, as in seedling.py. Into `SHARE` of their 30 finished notes one to four
sentences of other books are put, after another in a paragraph or bullet, or as bullets or paragraphs of their own: what stood beside the
highlight, what came to mind. Measured are greedy drafts of 12 further notes against what the reader would write of the highlights alone:
their distance, and the share of their words (of four letters or more) that the prompt holds. Three trainings of the same rows: on the
notes without the additions (the best that can be), on the notes as they stand, and on what the highlights tell of them
(`datasets.told`). Beside that: how much of the additions `told` cuts, and whether it leaves notes without any alone.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import in_process
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from notewright.datasets.told import told, ways
from notewright.library.examples import Example
from notewright.models import bases
from notewright.prompts import build_messages, render_highlights
from notewright.provenance import provenance, word_spans
from notewright.records import Prompt
from notewright.seedling import corpora
from notewright.text import sentences
from seedling import Case, Writer, score, style_pairs

SHARE = 0.7
HERE = Path(__file__).resolve().parent
KINDS = ("clean", "as they stand", "what is told")


def additions(rng: random.Random, corpus: corpora.Corpus, count: int) -> list[str]:
    """Sentences of 6 to 30 words from anywhere in the books."""
    found: list[str] = []
    while len(found) < count:
        fitting = [one for one in sentences(" ".join(corpus.paragraph(rng).split())) if 6 <= len(one.split()) <= 30]
        found += rng.sample(fitting, 1) if fitting else []
    return found


def with_additions(rng: random.Random, corpus: corpora.Corpus, note: str) -> tuple[str, list[str]]:
    """The note with what its highlights do not say, and that."""
    lines, added = note.split("\n"), additions(rng, corpus, rng.randint(1, 4))
    for sentence in added:
        prose = [at for at, line in enumerate(lines) if len(line.split()) > 4 and not re.match(r"[ >]*(#|---|\||\[!|\w+:)", line)]
        if not prose:
            return note, []
        at = rng.choice(prose)
        lead = re.match(r"[ \t>]*(?:[-+*] |\d+[.)] )?", lines[at])[0]  # type: ignore[index]
        if rng.random() < 0.5 and lines[at].rstrip().endswith((".", "!", "?")):
            lines[at] = f"{lines[at].rstrip()} {sentence}"
        else:
            lines[at + 1 : at + 1] = [lead + sentence] if lead.rstrip(" \t>") else [lead.rstrip(), lead + sentence, lead.rstrip()]
    return "\n".join(lines), added


def shares(pairs: Sequence[tuple[Prompt, str]], texts: Sequence[str]) -> float:
    """Of the texts' words of four letters or more: how many the prompt has."""
    found = []
    for (prompt, _), text in zip(pairs, texts, strict=True):
        known = {word for word, _, _ in word_spans(render_highlights(prompt))}
        words = [word for word, _, _ in word_spans(text) if len(word) > 3]
        found.append(sum(word in known for word in words) / max(1, len(words)))
    return statistics.mean(found)


def cases(pairs: Sequence[tuple[Prompt, str]], known: Sequence[tuple[Prompt, str]], seed: int, share: float) -> list[Case]:
    """Each pair, with two other exchanges of `known` in the prompts of `share` of them."""
    rng = random.Random(f"examples/{seed}")
    found = []
    for prompt, note in pairs:
        others = [other for other in known if other[0] is not prompt]
        found.append(Case(prompt, note, build_messages(prompt, rng.sample(others, 2) if rng.random() < share else [])))
    return found


def measure(base: bases.Base, tokenizer: Any, corpus: corpora.Corpus, seed: int, count: int, tokens: int) -> dict[str, Any]:
    """One reader: how well `told` cuts, and what three trainings come to."""
    pairs = style_pairs(corpus, seed, count + 12, tokens)
    known, asked = pairs[:count], pairs[count:]
    rng = random.Random(f"own/{seed}")
    longer = [with_additions(rng, corpus, note) if rng.random() < SHARE else (note, []) for _, note in known]
    stand = [(prompt, text) for (prompt, _), (text, _) in zip(known, longer, strict=True)]
    shape = ("book", False, 0.0, 0.0)
    examples = [Example(prompt, text, f"pair-{at}", f"{at}.md", 0.8, shape) for at, (prompt, text) in enumerate(stand)]
    common = ways(examples)
    parts = [told(example, provenance(example.passage, example.prompt.highlights), common) for example in examples]
    as_clean = [(text == note, bool(added)) for text, (_, note), (_, added) in zip(parts, known, longer, strict=True)]
    result: dict[str, Any] = {
        "style": seed,
        "additions cut": statistics.mean(one not in (text or "") for text, (_, added) in zip(parts, longer, strict=True) for one in added),
        "notes with additions as they were before": statistics.mean(same for same, more in as_clean if more),
        "notes without left alone": statistics.mean(same for same, more in as_clean if not more),
    }
    for kind in KINDS:
        shown = known if kind == "clean" else stand
        if kind == "what is told":  # the others are left out, as pairs are that nobody accepted
            shown = [pair for pair, text in zip(stand, parts, strict=True) if text is not None]
        rows: list[dict[str, Any]] = [
            {"prompt": case.messages, "completion": [{"role": "assistant", "content": case.gold}], "source_id": case.prompt.source.title}
            for case in cases(shown, shown, seed, 0.5)
        ]
        if kind == "what is told":
            for row, text in zip(rows, (text for text in parts if text is not None), strict=True):
                if text != row["completion"][0]["content"]:
                    row["told"] = text
        with tempfile.TemporaryDirectory() as folder:
            adapter, _, _ = in_process.train(base, Path(folder) / "run", "sft", {"train": rows}, effort="quick", seed=seed)
            model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
            writer = Writer(PeftModel.from_pretrained(model, adapter).merge_and_unload(), tokenizer)
        for number, share in ((0, 0.0), (2, 1.0)):
            some = cases(asked, shown, seed, share)
            notes = writer.write(some)
            result[f"{kind}, {number}"] = [score(some, notes)["distance"], shares(asked, [text for text, _ in notes])]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", type=int, default=6)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=350)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    corpus, base = corpora.load(held_out=True), bases.fetch_base("seedling")
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    results = []
    for seed in range(given.first, given.first + given.styles):
        results.append(measure(base, tokenizer, corpus, seed, given.pairs, given.tokens))
        print(json.dumps(results[-1]), flush=True)
    print("\n".join(table(results)))
    if given.write:
        (HERE / "results" / "own_words.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def table(results: Sequence[dict[str, Any]]) -> list[str]:
    """Means over readers."""
    lines = ["| trained on | distance, no examples | with 2 | words from the prompt, no examples | with 2 |", "|---|---:|---:|---:|---:|"]
    for kind in KINDS:
        figures = [statistics.mean(result[f"{kind}, {number}"][place] for result in results) for place in (0, 1) for number in (0, 2)]
        lines.append(f"| {kind} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    named = [name for name in results[0] if name != "style" and not isinstance(results[0][name], list)]
    return [*lines, "", *(f"{name}: {statistics.mean(result[name] for result in results):.2f}" for name in named)]


if __name__ == "__main__":
    main()
