"""How often an edited passage is found again, by the amount of change: `python benchmarks/following.py [--data ../shared/data/vaults]`.

Passages of real notes (the bundled sample, and the vaults in `--data` where they are at hand) are edited by a seeded script: a share of
the passage's words is replaced, removed or joined by new ones, whole lines are dropped or moved, and the rest of the note is edited
as well (lines rewritten, paragraphs added above and below, the heading above renamed, sections swapped). Found means the exact text the
script left between the passage's borders; near means at least 90 % of its words with at most 10 % foreign ones.
`follow` knows the whole earlier note; `trace` knows only the passage, its headings and its offset.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections import Counter
from pathlib import Path

from notewright.errors import Invalid
from notewright.vault import follow, parse_note, passage_text, tidy, trace

RESULTS = Path(__file__).parent / "results" / "following.json"
SAMPLE = Path(__file__).parent.parent / "src" / "notewright" / "sample" / "data" / "vault"
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
ADDED = ("Something I thought of later, which stands by itself.", "See also what I wrote about this elsewhere.", "To be checked again.")


def edit_words(rng: random.Random, text: str, share: float, words: list[str]) -> str:
    """Replace, remove or add words, `share` of them in all."""
    parts = re.split(r"(\s+)", text)
    places = [index for index, part in enumerate(parts) if re.search(r"\w", part)]
    for index in rng.sample(places, round(share * len(places))):
        kind = rng.random()
        parts[index] = rng.choice(words) if kind < 0.6 else "" if kind < 0.8 else f"{parts[index]} {rng.choice(words)}"
    lines = ["".join(line) for line in ("".join(parts)).split("\n")]
    if share and len(lines) > 3 and rng.random() < share:
        at = rng.randrange(1, len(lines) - 1)
        moved = lines.pop(at)
        if rng.random() < 0.5:
            lines.insert(rng.randrange(1, len(lines)), moved)
    return "\n".join(lines)


def edit_around(rng: random.Random, text: str, words: list[str], *, above: bool) -> str:
    """Rewrite, drop and add paragraphs outside the passage, rename headings, swap sections."""
    blocks = re.split(r"(\n[ \t]*\n)", text)
    made = []
    for block in blocks:
        if block.strip() and not block.startswith("---") and rng.random() < 0.3:
            block = edit_words(rng, block, rng.choice((0.1, 0.5, 1.0)), words)
        made.append(block)
    joined = "".join(made)
    if rng.random() < 0.5:
        new = "\n\n" + rng.choice(ADDED) + "\n\n"
        joined = joined + new if above else new + joined
    return joined


def cases(folders: list[Path], rng: random.Random, limit: int) -> list[tuple[str, int, int, tuple[str, ...]]]:
    """(note, start, end, headings) of passages with at least twelve words, byte offsets."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*.md")):
            data = path.read_bytes()
            try:
                parsed = parse_note(path.name, data)
            except Invalid:
                continue
            found += [
                (data.decode(), passage.start, passage.end, passage.headings)
                for passage in parsed.passages
                if len(re.findall(r"\w+", passage.text)) >= 12 and len(data) < 60_000
            ]
    rng.shuffle(found)
    return found[:limit]


def judge(expected: str, got: str | None) -> str:
    if got is None:
        return "lost"
    if got == expected:
        return "found"
    left, right = Counter(re.findall(r"\w+", expected)), Counter(re.findall(r"\w+", got))
    common = sum((left & right).values())
    near = common >= 0.9 * sum(left.values()) and common >= 0.9 * sum(right.values())
    return "near" if near else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).parent.parent.parent / "shared" / "data" / "vaults")
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folders = [SAMPLE, *(sorted(item for item in options.data.iterdir() if item.is_dir()) if options.data.is_dir() else [])]
    chosen = cases(folders, random.Random(options.seed), options.passages)
    words = sorted({word for note, *_ in chosen[:100] for word in re.findall(r"[^\W\d_]{3,}", note)})
    table, times = [], []
    for share in SHARES:
        counts = {"follow": Counter(), "trace": Counter()}
        for number, (note, start, end, headings) in enumerate(chosen):
            rng = random.Random(f"{options.seed} {share} {number}")
            data = note.encode()
            above, passage, below = (part.decode() for part in (data[:start], data[start:end], data[end:]))
            edited = edit_words(rng, passage, share, words)
            after = (edit_around(rng, above, words, above=True) + edited + edit_around(rng, below, words, above=False)).encode()
            began = time.perf_counter()
            seen = follow(data, ((start, end),), after)
            times.append(time.perf_counter() - began)
            counts["follow"][judge(tidy(edited), seen.text if seen else None)] += 1
            place = trace(passage, after, headings=headings, start=start)
            counts["trace"][judge(tidy(edited), passage_text(after, ((place.start, place.end),)) if place else None)] += 1
        row = {"share of words changed": share, **{f"{way} {kind}": round(count[kind] / len(chosen), 3) for way, count in counts.items()
               for kind in ("found", "near", "wrong", "lost")}}  # fmt: skip
        table.append(row)
        print(row, flush=True)
    result = {"passages": len(chosen), "seed": options.seed, "median ms": round(1000 * statistics.median(times), 2),
              "99th percentile ms": round(1000 * sorted(times)[int(len(times) * 0.99)], 1), "rows": table}  # fmt: skip
    print({key: value for key, value in result.items() if key != "rows"})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
