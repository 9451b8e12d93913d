"""Are pairing's scores probabilities, and how much does it find, by how far the note moved from the highlight?

    python benchmarks/pairing_levels.py [--worlds N] [--embeddings]

Generated worlds from the "test" half of the books, which no coefficient was fitted on (`paired_world`, `fit_pairing`). Every candidate that
pairing weighs counts, likely or not; what it never weighed counts as missed. Levels: highlight to passage, and sentence to highlight
(provenance, given the highlights used in the note and as many unused neighbours). Also: at file level the best source of each note, and
notes without a source left alone. Writes benchmarks/results/pairing_levels.json, docs/pairing-levels.png, docs/pairing-reliability.png;
with sentence embeddings only benchmarks/results/pairing_levels-embeddings.json.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import paired_world
from fit_pairing import MIXES, SIZES, truth_of, units

from notewright import provenance
from notewright.library import Library
from notewright.pairing import all_candidates, pair, source_links

HERE = Path(__file__).resolve().parent
Scored = list[tuple[float, bool]]


def calibration(scored: Scored, bins: int = 10) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error over equal-width bins, and (mean score, share right, count) of each."""
    groups: dict[int, Scored] = defaultdict(list)
    for score, right in scored:
        groups[min(bins - 1, int(score * bins))].append((score, right))
    rows = [
        (sum(score for score, _ in group) / len(group), sum(right for _, right in group) / len(group), len(group))
        for _, group in sorted(groups.items())
    ]
    return sum(count * abs(mean - share) for mean, share, count in rows) / max(1, len(scored)), rows


def world(
    number: int, books: list[list[str]], scored: Scored, recall: dict[str, list[float]], files: dict[str, int], *, embeddings: bool
) -> None:
    sources, notes = SIZES[number % len(SIZES)]
    made = paired_world.make(
        seed=5000 + number, sources=sources, notes=notes, texts=books, weights=MIXES[number // len(SIZES) % len(MIXES)]
    )
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        paired_world.fill(library, made)
        truth = truth_of(made, library)
        best: dict[tuple[str, str, str], float] = {}
        for passages, item in all_candidates(library, embeddings=embeddings):
            passage = passages[item.passage]
            key = (passage.note_path, passage.id, item.highlight.id)
            best[key] = max(best.get(key, 0.0), item.score)
            if not item.sure:
                scored.append((item.score, key in truth))
        inside: dict[tuple[str, str], float] = defaultdict(float)
        for (path, _, highlight), score in best.items():
            inside[path, highlight] = max(inside[path, highlight], score)
        for claim in made.claims:
            for highlight in claim.highlights:
                recall[claim.way].append(inside[claim.note_path, highlight])
        pair(library, embeddings=embeddings)
        by_source: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        paths = {note.id: note.path for note in library.notes.all()}
        for link in source_links(library):
            by_source[paths[link.note_id]][link.source_id] += link.score
        for found in library.pairs.all():
            by_source[found.note_path][found.source_id] += sum(item.score for item in found.links)
        for path in made.notes:
            known = {source for other, source in made.made_from if other == path}
            if known:
                files["notes"] += 1
                top = max(by_source[path].items(), key=lambda item: item[1], default=("", 0.0))[0]
                files["first"] += top in known
            else:
                files["alone"] += 1
                files["left alone"] += not any(found.note_path == path for found in library.pairs.all())


def plot(scored: Scored, told: Scored, recall: dict[str, list[float]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.2), sharey=True)
    for axis, (name, rows) in zip(axes, (("highlight to passage", scored), ("sentence to highlight", told)), strict=True):
        error, points = calibration(rows)
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.plot([mean for mean, _, _ in points], [share for _, share, _ in points], marker="o")
        axis.set(title=f"{name}\n{len(rows):,} candidates, calibration error {error:.3f}", xlabel="score", ylabel="share that is right")
    figure.tight_layout()
    figure.savefig(HERE.parent / "docs" / "pairing-reliability.png", dpi=110)
    figure, axis = pyplot.subplots(figsize=(7.5, 4.6))
    cutoffs = [at / 50 for at in range(5, 50)]
    precision = [share_right(scored, cutoff) for cutoff in cutoffs]
    for way in paired_world.WAYS:
        axis.plot([share(recall[way], cutoff) for cutoff in cutoffs], precision, label=way)
    axis.set(xlabel="recall of claims made this way", ylabel="precision of all proposals", title="By how the note's sentence was made")
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(HERE.parent / "docs" / "pairing-levels.png", dpi=110)


def share(scores: Sequence[float], cutoff: float) -> float:
    return sum(score >= cutoff for score in scores) / max(1, len(scores))


def share_right(scored: Scored, cutoff: float) -> float:
    kept = [right for score, right in scored if score >= cutoff]
    return sum(kept) / len(kept) if kept else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=12)
    parser.add_argument("--embeddings", action="store_true", help="with the extra of that name")
    options = parser.parse_args()
    books = paired_world.texts("test")
    scored: Scored = []
    recall: dict[str, list[float]] = defaultdict(list)
    files: dict[str, int] = defaultdict(int)
    for number in range(options.worlds):
        world(number, books, scored, recall, files, embeddings=options.embeddings)
    told: Scored = [
        (1 / (1 + math.exp(-provenance.ODDS_BIAS - sum(weight * row[name] for name, weight in provenance.ODDS.items()))), right)
        for number in range(options.worlds)
        for row, right in units(6000 + number, books)
    ]
    if not options.embeddings:
        plot(scored, told, recall)
    results = {
        "highlight_passage": {
            "candidates": len(scored), "calibration_error": round(calibration(scored)[0], 4), "bins": calibration(scored)[1],
            "precision_at_0.5": round(share_right(scored, 0.5), 4), "precision_at_0.9": round(share_right(scored, 0.9), 4),
        },
        "sentence_highlight": {
            "candidates": len(told), "calibration_error": round(calibration(told)[0], 4), "bins": calibration(told)[1],
            "precision_at_0.5": round(share_right(told, 0.5), 4),
            "recall_at_0.5": round(sum(right for score, right in told if score >= 0.5) / max(1, sum(right for _, right in told)), 4),
        },
        "recall_by_way": {
            way: {"claims": len(recall[way]), **{f"at_{cutoff}": round(share(recall[way], cutoff), 4) for cutoff in (0.5, 0.9)}}
            for way in paired_world.WAYS
        },
        "files": {
            "R@1": round(files["first"] / max(1, files["notes"]), 4),
            "left_alone": round(files["left alone"] / max(1, files["alone"]), 4), **files,
        },
    }  # fmt: skip
    print(json.dumps(results, indent=2))
    name = "pairing_levels-embeddings.json" if options.embeddings else "pairing_levels.json"
    (HERE / "results" / name).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
