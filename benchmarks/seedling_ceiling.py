"""What two examples can tell of a style at most: `python benchmarks/seedling_ceiling.py [--cases 64] [--examples 1 2 3]`.

The cases are those of benchmarks/seedling.py. A reader who knew the whole space of styles, and how often each choice is made, would weigh
every style that writes the shown notes as they are, and write the note with the most weight behind it (Bayes' rule). What is left over for
that reader no model can tell from the examples either. Styles are looked for from the true one on, with every choice that alone leaves the
examples as they are, and all that these make together (drawn by weight where there are more than `MOST`); so the ceiling is, if anything,
too high.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace

from rapidfuzz.distance import Levenshtein

from notewright.records import Prompt
from notewright.seedling import corpora
from notewright.seedling.styles import DIGEST, SPACE, Style, trimmed, write
from seedling import prompted_reader

MOST = 3000
NEVER = 1e-4  # weight of a value outside the space, which only repairs of a drawn style make


def weight(style: Style) -> float:
    """How often the generator draws this style: half of the time choice by choice, half of the time near the digest."""
    free = near = 1.0
    for field in fields(Style):
        value = getattr(style, field.name)
        values = SPACE[field.name]
        share = next((w for v, w in values if v == value), NEVER) / sum(w for _, w in values)
        free, near = free * share, near * (0.8 * (value == getattr(DIGEST, field.name)) + 0.2 * share)
    return (free + near) / 2


def agreeing(style: Style, shown: Sequence[tuple[Prompt, str]], rng: random.Random) -> list[Style]:
    """Styles that write the shown notes exactly as `style` does, itself first."""

    def agrees(other: Style) -> bool:
        return all(write(other, prompt) == note for prompt, note in shown)

    options = []
    for name, values in SPACE.items():
        now = getattr(style, name)
        others = [(value, share) for value, share in values if value != now and agrees(replace(style, **{name: value}))]
        own = next((share for value, share in values if value == now), NEVER)
        options.append([(name, now, own), *((name, value, share) for value, share in others)])
    if math.prod(map(len, options)) <= MOST:
        drawn = itertools.product(*options)
    else:
        drawn = (tuple(rng.choices(some, [share for *_, share in some])[0] for some in options) for _ in range(MOST))
    found = {style.key(): style}
    for choices in drawn:
        other = replace(style, **{name: value for name, value, _ in choices})
        if other.key() not in found and agrees(other):
            found[other.key()] = other
    return list(found.values())


def best(style: Style, asked: Prompt, shown: Sequence[tuple[Prompt, str]], rng: random.Random) -> tuple[float, float, float]:
    """(chance of the exact note, chance of the right highlights, expected distance) of whoever guesses best."""
    notes: Counter[str] = Counter()
    for other in agreeing(style, shown, rng):
        notes[write(other, asked)] += weight(other)
    whole = sum(notes.values())
    starts = [" ".join(trimmed(item.text, "whole").split()[:4]) for item in asked.highlights]
    used: Counter[tuple[int, ...]] = Counter()
    for note, share in notes.items():
        used[tuple(note.count(start) for start in starts)] += share
    distances = [sum(share * Levenshtein.normalized_distance(note, other) for other, share in notes.items()) for note in notes]
    return max(notes.values()) / whole, max(used.values()) / whole, min(distances) / whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", default=None)
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--examples", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--tokens", type=int, default=350)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    corpus = corpora.load(given.corpora, held_out=True)
    print("| examples | distance | exactly right | same highlights |\n|---:|---:|---:|---:|")
    for count in given.examples:
        found = []
        for number in range(given.cases):
            reader, asked, shown = prompted_reader(corpus, given.seed, number, count, given.tokens)
            found.append(best(reader.style, asked[0], shown, random.Random(number)))
        exact, used, distance = (sum(values) / len(found) for values in zip(*found, strict=True))
        print(f"| {count} | {distance:.3f} | {exact:.0%} | {used:.0%} |", flush=True)


if __name__ == "__main__":
    main()
