"""Measure the seedling on books and styles that its training never saw: `python benchmarks/seedling.py [--model DIR] [--write]`.

Distances are character-level normalized Levenshtein to the note that the simulated reader would write (0 = the same). Decoding is greedy.
Part one shows 0 to 3 examples in the prompt, then none but rules that tell how the style differs from the default; part two asks for few
and many, short and long highlights, in parts where the product would; part three draws four notes at temperature 0.8; part four trains on
30 (and 10) pairs of one unseen style with the product's SFT (`--effort`), half of the prompts with two other pairs as examples, then writes
notes with two of those pairs as examples and with none.

`--write` stores the table in the model's card and in docs/seedling.md: rows that were measured now replace those of the same name, the
others stay if they are of the same weights.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import in_process
import torch
from peft import PeftModel
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein
from transformers import AutoModelForCausalLM, AutoTokenizer

from notewright.models import bases
from notewright.models.engine import KEEPS_PLACE
from notewright.prompts import Message, build_messages
from notewright.records import Highlight, Prompt, Source
from notewright.seedling import corpora, model_dir
from notewright.seedling.card import sha256, write_card
from notewright.seedling.readers import Reader
from notewright.seedling.sources import make_prompt, make_source
from notewright.seedling.styles import DEFAULTS, trimmed, write
from notewright.seedling.wording import turned
from notewright.training import recipes
from notewright.writing import join, way_of

CONTEXT = 4096
GRID = ((1, 5), (1, 60), (1, 280), (3, 20), (8, 8), (8, 60), (15, 15), (25, 8), (25, 20), (40, 8))  # (highlights, words each)


@dataclass(frozen=True)
class Case:
    """What is asked and what the reader would write."""

    prompt: Prompt
    gold: str
    messages: list[Message]


class Writer:
    """Notes from a model, a few prompts at a time; greedy, or `copies` of each at a temperature."""

    def __init__(self, model, tokenizer) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer

    @torch.inference_mode()
    def write(self, cases: Sequence[Case], size: int = 0, *, temperature: float = 0.0, copies: int = 1) -> list[tuple[str, bool]]:
        """(note, whether it ended by itself) for each case, `copies` of a case side by side."""
        written = []
        size = size or (64 if self.model.device.type == "cuda" else 8)
        how = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
        for start in range(0, len(cases), size):
            some = cases[start : start + size]
            texts = [self.tokenizer.apply_chat_template(c.messages, tokenize=False, add_generation_prompt=True) for c in some]
            inputs = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False, return_token_type_ids=False)
            inputs = inputs.to(self.model.device)
            longest = max(len(self.tokenizer(c.gold)["input_ids"]) for c in some)
            room = max(8, min(max(400, int(longest * 1.4)), CONTEXT - inputs["input_ids"].shape[1]))
            out = self.model.generate(**inputs, max_new_tokens=room, num_return_sequences=copies, **how)
            for row in out[:, inputs["input_ids"].shape[1] :].tolist():
                ended = self.tokenizer.eos_token_id in row
                ids = row[: row.index(self.tokenizer.eos_token_id)] if ended else row
                written.append((self.tokenizer.decode(ids, skip_special_tokens=False), ended))
        return written


@dataclass(frozen=True)
class Sees:
    """What the product asks an engine before it asks for a note at once or in parts."""

    tokenizer: Any
    context: int = CONTEXT
    most_highlights: int = KEEPS_PLACE


def write_whole(writer: Writer, cases: Sequence[Case]) -> list[tuple[str, bool]]:
    """As `write`, in parts where the product would."""
    parts = [[replace(case, messages=part.messages) for part in way_of(Sees(writer.tokenizer), case.messages).parts] for case in cases]
    written = iter(writer.write([part for some in parts for part in some]))
    notes = [[next(written) for _ in some] for some in parts]
    return [(join([text for text, _ in some]), all(ended for _, ended in some)) for some in notes]


def valid(case: Case, text: str, ended: bool) -> bool:
    """A note that could be inserted: it ended, is not empty, has no chat token, and no marks are open that the reader's own note closes."""
    return ended and bool(text.strip()) and "<|" not in text and not left_open(text) - left_open(case.gold)


def left_open(text: str) -> set[str]:
    kinds = {
        "properties": text.startswith("---\n") and "\n---" not in text[4:],
        "link": text.count("[[") != text.count("]]"),
        "bold": len(re.findall(r"(?<!\*)\*\*(?!\*)", text)) % 2 == 1,
    }
    return {kind for kind, is_open in kinds.items() if is_open}


def spans(case: Case, text: str) -> tuple[int, int]:
    """(copied byte for byte, attempted) over the highlight texts that the gold note holds."""
    exact = tried = 0
    for highlight in case.prompt.highlights:
        forms = {trimmed(highlight.text, how).rstrip("…") for how in ("whole", "first sentence", "last sentence", "first clause")}
        held = max((form for form in forms if form in case.gold), key=len, default="")
        if len(held) < 20:
            continue
        if held in text:
            exact, tried = exact + 1, tried + 1
        elif fuzz.partial_ratio(held, text) >= 75:
            tried += 1
    return exact, tried


def same_highlights(case: Case, text: str) -> bool:
    """No highlight repeated, dropped or added, by the first words of each."""
    starts = Counter(" ".join(trimmed(h.text, "whole").split()[:4]) for h in case.prompt.highlights)
    return all(text.count(start) == case.gold.count(start) for start in starts)


def score(cases: Sequence[Case], notes: Sequence[tuple[str, bool]]) -> dict[str, float]:
    distances = [Levenshtein.normalized_distance(text, case.gold) for case, (text, _) in zip(cases, notes, strict=True)]
    copied = [spans(case, text) for case, (text, _) in zip(cases, notes, strict=True)]
    count = len(cases)
    return {
        "cases": count,
        "distance": sum(distances) / count,
        "exactly right": sum(d == 0 for d in distances) / count,
        "valid": sum(valid(case, *note) for case, note in zip(cases, notes, strict=True)) / count,
        "spans exact": sum(e for e, _ in copied) / max(1, sum(t for _, t in copied)),
        "same highlights": sum(same_highlights(case, text) for case, (text, _) in zip(cases, notes, strict=True)) / count,
    }


def prompted_reader(
    corpus: corpora.Corpus, seed: int, number: int, examples: int, tokens: int
) -> tuple[Reader, tuple[Prompt, str], list[tuple[Prompt, str]]]:
    """(reader, what is asked and the reader's note, the exchanges that are shown) of one case."""
    rng = random.Random(f"{seed}/{number}")
    reader = Reader.draw(rng, corpus, held_out=True)
    asked = reader.exchange(rng, corpus, tokens=tokens)
    return reader, asked, [reader.exchange(rng, corpus, tokens=tokens) for _ in range(examples)]


def prompted_cases(corpus: corpora.Corpus, seed: int, count: int, examples: int, tokens: int) -> list[Case]:
    """Cases that fit the context; the same readers and questions whatever the number of examples."""
    cases = []
    for number in range(count):
        _, asked, shown = prompted_reader(corpus, seed, number, examples, tokens)
        cases.append(Case(*asked, build_messages(asked[0], shown)))
    return cases


def style_pairs(corpus: corpora.Corpus, seed: int, count: int, tokens: int) -> list[tuple[Prompt, str]]:
    """Pairs of one unseen style."""
    rng = random.Random(f"style/{seed}")
    reader = Reader.draw(rng, corpus, held_out=True)
    return [reader.exchange(rng, corpus, tokens=tokens) for _ in range(count)]


def with_examples(pairs: Sequence[tuple[Prompt, str]], known: Sequence[tuple[Prompt, str]], seed: int, share: float) -> list[Case]:
    """`share` of the pairs get two others of `known` as examples in their prompt."""
    rng = random.Random(f"examples/{seed}")
    cases = []
    for pair in pairs:
        others = [other for other in known if other is not pair]
        cases.append(Case(*pair, build_messages(pair[0], rng.sample(others, 2) if rng.random() < share else [])))
    return cases


def told_cases(corpus: corpora.Corpus, seed: int, count: int, tokens: int) -> list[Case]:
    """No example; rules say what differs from the default style."""
    cases = []
    for number in range(count):
        rng = random.Random(f"told/{seed}/{number}")
        reader = Reader.with_default_style(rng, corpus)
        style, rules = turned(rng, DEFAULTS[0])
        prompt, note = replace(reader, style=style).exchange(rng, corpus, tokens=tokens)
        cases.append(Case(prompt, note, build_messages(replace(prompt, rules=rules))))
    return cases


def sized_cases(corpus: corpora.Corpus, seed: int, each: int, count: int, words: int) -> list[Case]:
    """Two short examples of an unseen style, then `count` highlights of about `words` words."""
    cases = []
    for number in range(each):
        rng = random.Random(f"sized/{seed}/{count}/{words}/{number}")
        reader = Reader.draw(rng, corpus, held_out=True)
        shown = [reader.exchange(rng, corpus, tokens=300) for _ in range(2)]
        source = make_source(rng, corpus, reader.habits)
        prompt = make_prompt(rng, corpus, reader.habits, source, count=count, mean_words=words)
        cases.append(Case(prompt, write(reader.style, prompt), build_messages(prompt, shown)))
    return cases


def spread(cases: Sequence[Case], notes: Sequence[tuple[str, bool]], copies: int) -> dict[str, float]:
    """How far apart the notes of one case are, with everything but layout taken away and with it."""
    layouts, whole = [], []
    for number in range(len(cases)):
        texts = [text for text, _ in notes[number * copies : (number + 1) * copies]]
        for first, second in itertools.combinations(texts, 2):
            whole.append(Levenshtein.normalized_distance(first, second))
            layouts.append(float(re.sub(r"\w+", "", first) != re.sub(r"\w+", "", second)))
    return {"distance between candidates": statistics.mean(whole), "candidates that differ in layout": statistics.mean(layouts)}


def sample_cases() -> tuple[list[Case], list[Case]]:
    """The bundled sample's finished passages: (all but those of the last three sources, those). The person's own words stay in the gold."""
    from notewright.sample.person import render_section
    from notewright.sample.read import load_sources

    sources = [source for source in load_sources() if source.note == "finished"]
    found: list[list[Case]] = []
    for source in sources:
        kind = source.category.removesuffix("s")
        record = Source(title=source.title, author=source.author, kind=kind, tags=tuple(source.tags), summary=source.summary)
        found.append([])
        for chapter in source.chapters:
            highlights = tuple(
                Highlight(
                    item.text, annotation=item.annotation, tags=tuple(item.tags), location=item.location,
                    location_type=source.location_type, chapter=chapter.title, is_favorite=item.favorite, position=number,
                )
                for number, item in enumerate(chapter.highlights) if not item.discard
            )  # fmt: skip
            prompt = Prompt(record, highlights, chapter=chapter.title)
            found[-1].append(Case(prompt, render_section(source, chapter), build_messages(prompt)))
    return [case for cases in found[:-3] for case in cases], [case for cases in found[-3:] for case in cases]


def tune(base: bases.Base, cases: Sequence[Case], *, seed: int, effort: str, device: str) -> tuple[Any, float]:
    """The base as SFT of the product tunes it, the adapter merged; and the seconds that took."""
    rows = [
        {"prompt": case.messages, "completion": [{"role": "assistant", "content": case.gold}], "source_id": case.prompt.source.title}
        for case in cases
    ]
    with tempfile.TemporaryDirectory() as folder:
        adapter, took, _ = in_process.train(base, Path(folder) / "run", "sft", {"train": rows}, effort=effort, device=device, seed=seed)
        model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
        return PeftModel.from_pretrained(model, adapter).merge_and_unload().to(device), took


def mean(results: Sequence[dict[str, float]]) -> dict[str, float]:
    total = sum(r["cases"] for r in results)
    return {k: total if k == "cases" else sum(r[k] * r["cases"] for r in results) / total for k in results[0]}


def table(results: dict[str, dict[str, float]]) -> list[str]:
    names = ["cases", "distance", "exactly right", "valid", "spans exact", "same highlights"]
    lines = ["| setting | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for setting, row in results.items():
        cells = [f"{row['cases']:.0f}", f"{row['distance']:.3f}", *(f"{row[name]:.0%}" for name in names[2:])]
        lines.append(f"| {setting} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=model_dir())
    parser.add_argument("--corpora", type=Path, default=None)
    parser.add_argument("--cases", type=int, default=40, help="prompted cases per number of examples")
    parser.add_argument("--examples", type=int, nargs="*", default=[0, 1, 2, 3])
    parser.add_argument("--tokens", type=int, default=350, help="about how long an exchange is")
    parser.add_argument("--styles", type=int, default=3, help="unseen styles to train on")
    parser.add_argument("--pairs", type=int, nargs="*", default=[30, 10], help="of each style")
    parser.add_argument("--effort", choices=recipes.EFFORTS, default="quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sized", type=int, default=0, help="cases for each size of prompt")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--show", type=int, default=0, help="print so many notes beside their gold")
    parser.add_argument("--sample", action="store_true", help="also the bundled sample's own pairs")
    parser.add_argument("--write", action="store_true", help="store the results in the card and in docs/seedling.md")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    corpus = corpora.load(given.corpora, held_out=True)
    base = bases.fetch_base(str(given.model))
    tokenizer = AutoTokenizer.from_pretrained(given.model)
    model = AutoModelForCausalLM.from_pretrained(given.model, dtype=torch.float32).to(given.device)
    results: dict[str, dict[str, float]] = {}

    def record(setting: str, parts: Sequence[dict[str, float]], more: str = "") -> None:
        results[setting] = mean(parts)
        print(setting, {k: round(v, 3) for k, v in results[setting].items()}, more, flush=True)

    for examples in given.examples:
        cases = prompted_cases(corpus, given.seed, given.cases, examples, given.tokens)
        notes = Writer(model, tokenizer).write(cases)
        record(f"{examples} example{'s' * (examples != 1)} in the prompt", [score(cases, notes)])
        for case, (text, _) in list(zip(cases, notes, strict=True))[: given.show]:
            print(f"--- asked\n{case.messages[-1]['content']}\n--- gold\n{case.gold}\n--- written\n{text}\n")
    if given.cases:
        cases = told_cases(corpus, given.seed, given.cases, given.tokens)
        record("0 examples, rules in words", [score(cases, Writer(model, tokenizer).write(cases))])
        cases = prompted_cases(corpus, given.seed, given.cases, 0, given.tokens)
        notes = Writer(model, tokenizer).write(cases, temperature=0.8, copies=4)
        apart = {name: round(value, 3) for name, value in spread(cases, notes, 4).items()}
        record("0 examples, 4 candidates at temperature 0.8", [score([c for c in cases for _ in range(4)], notes)], str(apart))
    for count, words in GRID if given.sized else ():
        cases = sized_cases(corpus, given.seed, given.sized, count, words)
        record(f"2 examples, {count} highlights of {words} words", [score(cases, write_whole(Writer(model, tokenizer), cases))])
    for pairs in given.pairs if given.styles else ():
        parts: dict[float, list[dict[str, float]]] = {1.0: [], 0.0: []}
        seconds = []
        for seed in range(given.seed, given.seed + given.styles):
            known = style_pairs(corpus, seed, pairs + 12, given.tokens)
            known, asked = known[:pairs], known[pairs:]
            tuned, took = tune(base, with_examples(known, known, seed, 0.5), seed=seed, effort=given.effort, device=given.device)
            seconds.append(took)
            for share, found in parts.items():
                cases = with_examples(asked, known, seed, share)
                found.append(score(cases, Writer(tuned, tokenizer).write(cases)))
                print(f"style {seed}, {pairs} pairs, {2 * share:.0f} examples: {found[-1]['distance']:.3f}, {took:.0f} s", flush=True)
        for share, found in parts.items():
            shown = "2" if share else "no"
            effort = "" if given.effort == "quick" else f", --effort {given.effort}"
            took = f"{statistics.median(seconds):.0f} s, at most {max(seconds):.0f}"
            record(f"SFT on {pairs} pairs, {shown} examples{effort}", found, took)
    if given.sample:
        known, asked = sample_cases()
        for count in (0, 2):
            rng = random.Random(given.seed)
            shown = [sorted(rng.sample(known, 6), key=lambda case: len(case.gold))[:count] for _ in asked]
            cases = [
                Case(case.prompt, case.gold, build_messages(case.prompt, [(s.prompt, s.gold) for s in some]))
                for case, some in zip(asked, shown, strict=True)
            ]
            record(f"bundled sample, {count} examples", [score(cases, Writer(model, tokenizer).write(cases))])
        tuned, took = tune(base, known, seed=given.seed, effort=given.effort, device=given.device)
        record(f"bundled sample, SFT on {len(known)} pairs", [score(asked, Writer(tuned, tokenizer).write(asked))], f"{took:.0f} s")
    print("\n".join(table(results)))
    if given.write:
        digest, path = sha256(given.model / "model.safetensors"), given.model / "evaluation.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if before.get("weights") == digest:
            results = before["results"] | results
        lines = table(results)
        evaluation = {"weights": digest, "results": results, "table": lines}
        path.write_text(json.dumps(evaluation, indent=2) + "\n", encoding="utf-8")
        write_card(given.model)
        document = Path(__file__).resolve().parents[1] / "docs" / "seedling.md"
        if document.exists():
            text = document.read_text(encoding="utf-8")
            fresh = "\n".join(["<!-- results -->", *lines, "<!-- /results -->"])
            document.write_text(re.sub(r"<!-- results -->.*<!-- /results -->", lambda _: fresh, text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
