"""Prompt-completion rows from pairs."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..library import splits
from ..library.copies import long_texts, measuring
from ..library.examples import Example, from_pairs, nearest
from ..library.rows import Row
from ..models.bandit import FADED
from ..prompts import PROMPT_VERSION, Message, build_messages, render_highlights, shown_examples
from ..reward import rules_for_prompt
from .hygiene import PARTLY_LATER, clean, counted, leaks, resting
from .told import told, ways

if TYPE_CHECKING:
    from ..library import Library

TOLD = 0.5  # of the training prompts the person's rules stand in so many, so that a version is at home with them, and without
OWN_WORDS = "mostly the person's own words: the highlights tell too little of it"
_IN_OTHER_WORDS, _ACCEPTED = 0.5, 8  # share of accepted passages of which words tell too little, and how many show it
_CHOICES = 6  # a training prompt's examples are drawn from this many nearest ones, so that the model does not rely on one neighbour


def sft_rows(
    library: Library,
    *,
    share: float,
    max_examples: int,
    threshold: float,
    min_coverage: float,
    max_chars: int,
    split: tuple[float, float, float],
    later: splits.Later,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, list[Row]], dict[str, object]]:
    """Rows by split, and the facts for the manifest."""
    left_out: Counter[str] = Counter()
    found = from_pairs(library, threshold=threshold, min_coverage=min_coverage, left_out=left_out)
    usable = _usable(library, found, max_chars=max_chars, split=split, later=later, left_out=left_out)
    teaching = [example for example in usable.examples if usable.sides[example.pair_id] == "train"]
    rules = rules_for_prompt(library)
    rows: dict[str, list[Row]] = {name: [] for name in splits.PARTS}
    for done, example in enumerate(usable.examples, 1):
        side = usable.sides[example.pair_id]
        rng = random.Random(f"{seed}|{example.pair_id}")
        often = 1.0 if share and example.former else share  # ways that the person left are shown, not learnt by heart
        wanted = rng.randint(1, max_examples) if side == "train" and max_examples and rng.random() < often else 0
        near = nearest(example.prompt, teaching, former=example.former)[:_CHOICES] if wanted else []
        near = [other for other in near if other.former == example.former] or near
        chosen = fitting(example, rng.sample(near, min(wanted, len(near))), max_chars)
        asked = replace(example, prompt=replace(example.prompt, rules=rules))
        row = _row(example, chosen, asked if side == "train" and rng.random() < TOLD else example, usable.learnt)
        if side != "train":  # measured as it would be served: the person's rules stand in every prompt
            row["prompt"] = _messages(asked, [])
            row["prompt_with_examples"] = _messages(
                asked, shown_examples(asked.prompt, teaching, limit=max_examples, former=example.former)
            )
        rows[side].append(row)
        if progress:
            progress(done, len(usable.examples))
    if not rows["train"]:
        raise Invalid(
            f"Every usable pair ({len(usable.examples)}) belongs to a source that only measures.",
            "Pair more sources first: notewright import readwise PATH, then notewright pair",
        )
    pair_text = "\n".join(f"{item.pair_id} {item.passage}" for item in usable.examples)
    facts: dict[str, object] = {
        "prompt_version": PROMPT_VERSION,
        "rules": list(rules),
        "parameters": {
            "examples": share, "max_examples": max_examples, "told": TOLD, "threshold": threshold, "min_coverage": min_coverage,
            "max_chars": max_chars, "split": list(split), "seed": seed,
        },
        "left_out": dict(sorted(left_out.items())),
        "left_out_pairs": dict(sorted(usable.unfit.items())),
        "parents": {"pairs": len(usable.examples), "pairs_sha256": hashlib.sha256(pair_text.encode()).hexdigest()},
        "sources": {source_id: usable.sources[source_id] for source_id in sorted({item.source_id for item in usable.examples})},
    }  # fmt: skip
    return rows, facts


@dataclass(frozen=True, slots=True)
class _Usable:
    """The examples to learn from and to measure on: their sides by pair id, the splits of their sources, what is learnt of those that
    teach (see `told`), and the reasons why the others are none, by pair id."""

    examples: list[Example]
    sides: dict[str, str]
    sources: dict[str, str]
    learnt: dict[str, str | None]
    unfit: dict[str, str]


def _usable(
    library: Library,
    found: Sequence[Example],
    *,
    max_chars: int,
    split: tuple[float, float, float],
    later: splits.Later,
    left_out: Counter[str],
) -> _Usable:
    """Raises Invalid where none is left; `left_out` counts the reasons."""
    usable = []
    for example in found:
        if len(render_highlights(example.prompt)) + len(example.passage) > max_chars:
            left_out[f"longer than {max_chars} characters"] += 1
        else:
            usable.append(example)
    spans = resting(usable)
    unfit = clean(usable, spans)
    usable = [example for example in usable if example.pair_id not in unfit]
    if not usable:
        left_out.update(counted(unfit))
        raise _nothing(library, left_out)
    sources = splits.assign(library, [example.source_id for example in usable], shares=split)
    sides = {item.pair_id: later.side(sources[item.source_id], item.source_id, item.prompt.highlights) for item in usable}
    unfit |= {pair_id: PARTLY_LATER for pair_id, side in sides.items() if not side}
    unfit |= leaks(
        [example for example in usable if sides[example.pair_id] == "train"],
        [example for example in usable if sides[example.pair_id] not in ("train", "")],
        long_texts(measuring(library, sources, later)),
    )
    known = ways(usable)
    taught = [item for item in usable if item.pair_id not in unfit and sides[item.pair_id] == "train"]
    learnt = {item.pair_id: told(item, spans[item.pair_id], known) for item in taught}
    vouched = [learnt[item.pair_id] is None for item in taught if item.weight == 1.0]
    if len(vouched) >= _ACCEPTED and sum(vouched) >= _IN_OTHER_WORDS * len(vouched):
        # A person who says things in other words: where by chance enough of them are alike, the rest would be cut from beside them.
        learnt |= {item.pair_id: item.passage for item in taught if item.weight == 1.0}
    unfit |= {item.pair_id: OWN_WORDS for item in usable if item.weight < 1.0 and learnt.get(item.pair_id, "") is None}
    left_out.update(counted(unfit))
    return _Usable([example for example in usable if example.pair_id not in unfit], sides, sources, learnt, unfit)


def _row(example: Example, chosen: Sequence[Example], asked: Example, learnt: Mapping[str, str | None]) -> Row:
    """Of an example that is asked for as in `asked`, beside the `chosen` ones."""
    row: Row = {
        "prompt": _messages(asked, chosen),
        "completion": [{"role": "assistant", "content": example.passage}],
        "source_id": example.source_id,
        "pair_id": example.pair_id,
        "note_path": example.note_path,
        "chapter": example.prompt.chapter,
        "highlight_ids": [item.id for item in example.prompt.highlights],
        "examples": len(chosen),
        "weight": example.weight * (FADED if example.former else 1.0),
        "former": example.former,
    }
    if (text := learnt.get(example.pair_id)) and text != example.passage:
        row["told"] = text
    return row


def fitting(example: Example, chosen: Sequence[Example], max_chars: int) -> list[Example]:
    """As many of `chosen` as fit with the example into `max_chars`, the most alike last, next to the question."""
    room = max_chars - len(render_highlights(example.prompt)) - len(example.passage)
    kept = []
    for other in chosen:
        size = len(render_highlights(other.prompt)) + len(other.passage)
        if size <= room:
            room -= size
            kept.append(other)
    return kept[::-1]


def _messages(example: Example, chosen: Sequence[Example]) -> list[Message]:
    return build_messages(example.prompt, [(other.prompt, other.passage) for other in chosen])


def _nothing(library: Library, left_out: Counter[str]) -> Invalid:
    counts = library.counts()
    if not counts["highlights"]:
        return Invalid("There are no highlights to learn from.", "Import yours with: notewright import readwise PATH")
    if not counts["passages"]:
        return Invalid("There are no notes to learn from.", "Read your vault with: notewright import vault")
    if not counts["pairs"] and library.pairs.all(status="rejected"):
        return Invalid(
            "All pairs are rejected, so there is nothing to learn from.",
            "Look at them (notewright pairs list --status rejected), accept those that are right, or name others: notewright pairs add",
        )
    if not counts["pairs"]:
        return Invalid("No highlights are paired with passages yet.", "Pair them with: notewright pair")
    reasons = "; ".join(f"{count}: {reason}" for reason, count in left_out.most_common())
    return Invalid(f"None of the pairs can be learnt from ({reasons}).", "Look at them and accept good ones: notewright pairs list")
