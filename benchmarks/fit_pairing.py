"""Fit the coefficients of pairing's scores and of provenance's, and print them (or put them into the code with --write).

    python benchmarks/fit_pairing.py [--write] [--worlds N]

A source that is quoted twice for sure counts as pointed at, so the coefficients decide a little about the rows they are fitted on: after a
change of what they weigh, write them twice.

Data: generated worlds from the "fit" half of the books (`paired_world`), of several sizes and mixes, and the bundled sample, whose
passages were written from known highlights; twice, without and with sentence embeddings (`BOTH` and `MEANING` need the extra
`embeddings`). Nothing of the "test" half and of real vaults is looked at. Without the folder of books the
generated worlds come from the sample's own words, and the figures differ.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import paired_world

from notewright import provenance
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.pairing import Candidate, all_candidates
from notewright.pairing import odds as odds_now
from notewright.pairing.odds import Odds, fit, fit_bend
from notewright.records import Highlight
from notewright.settings import Settings

HERE = Path(__file__).resolve().parent
# What the weights are drawn towards: what each kind of evidence should be worth, before any data.
LINKED = Odds(
    -5.0,
    {
        "linked": 1.0, "quoted": 4.0, "most": 0.0, "run": 0.2, "nats": 0.6, "alike": 2.0, "picture": 9.0, "chapter": 1.0, "close": 1.0,
        "share": 2.0, "around": 1.0, "lead": 0.5, "length": -0.7, "order": 0.5, "support": 0.2, "rival": -5.0,
    },
)  # fmt: skip
WORDS = Odds(
    -5.0,
    {
        "linked": 1.0, "chapter": 1.0, "close": 1.0, "share": 2.0, "around": 1.0, "lead": 0.5, "length": -0.7, "order": 0.5, "support": 0.2,
    },
)  # fmt: skip
BOTH = Odds(-5.0, {**WORDS.weights, "above": 2.0, "clear": 4.0})
MEANING = Odds(-6.0, {"chapter": 1.0, "support": 0.2, "above": 2.0, "clear": 8.0})
ALONE = Odds(-4.0, {"among": -1.0, "quoted": 4.0, "run": 0.5, "nats": 2.0, "picture": 9.0, "length": -0.7, "support": 0.5, "rival": -5.0})
PROVENANCE = Odds(-4.9, {"quoted": 3.0, "longest": 0.45, "telling": 0.16, "share": 3.0, "cover": 2.0, "lead": 2.0, "order": 0.6})
MIXES: tuple[dict[str, float], ...] = (
    {},
    {"own": 4.0, "key words": 0.3},
    {"verbatim": 5.0, "trimmed": 3.0, "edited": 3.0},
    {"synonyms": 3.0, "reworded": 3.0},
)
SIZES = ((12, 60), (60, 120), (250, 300))  # sources, notes

Rows = list[tuple[dict[str, float], bool]]


def truth_of(world: paired_world.World, library: Library) -> set[tuple[str, str, str]]:
    """(note path, passage id, highlight id) for every claim."""
    inside = defaultdict(list)
    for passage in library.notes.passages():
        inside[passage.note_path].append(passage)
    found = set()
    for claim in world.claims:
        start = len(world.notes[claim.note_path][: claim.start].encode())
        for passage in inside[claim.note_path]:
            if passage.start <= start < passage.end:
                found |= {(claim.note_path, passage.id, item) for item in claim.highlights}
    return found


def generated(seed: int, books: list[list[str]], *, embeddings: bool) -> Iterator[tuple[Candidate, bool]]:
    sources, notes = SIZES[seed % len(SIZES)]
    world = paired_world.make(seed=seed, sources=sources, notes=notes, texts=books, weights=MIXES[seed // len(SIZES) % len(MIXES)])
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        paired_world.fill(library, world)
        truth = truth_of(world, library)
        for passages, candidate in all_candidates(library, embeddings=embeddings):
            passage = passages[candidate.passage]
            yield candidate, (passage.note_path, passage.id, candidate.highlight.id) in truth


def sample(*, embeddings: bool) -> Iterator[tuple[Candidate, bool]]:
    """The passage on a chapter was written from its annotated and favourite highlights."""
    from notewright.importers.api_export import read_book

    folder = paired_world.SAMPLE.parent
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        books = json.loads(paired_world.SAMPLE.read_text(encoding="utf-8"))["results"]
        library.sources.upsert([read_book(book, []) for book in books], origin="api", complete=True)
        import_vault(library, settings=Settings(home=Path(home), vault=folder / "vault"))
        for passages, candidate in all_candidates(library, embeddings=embeddings):
            item = candidate.highlight
            used = (item.annotation or item.is_favorite) and not item.is_discard
            yield candidate, bool(used and passages[candidate.passage].headings[-1:] == (item.chapter,))


def units(seed: int, books: list[list[str]]) -> Rows:
    """Provenance: the sentences of each section against the highlights used in its note and as many unused neighbours."""
    world = paired_world.make(seed=seed, sources=40, notes=120, texts=books, weights=MIXES[seed % len(MIXES)])
    known = {item.outside_ids[0]: item for source in world.sources for item in source.highlights}
    rows: Rows = []
    for path, claims in _by_note(world).items():
        text = world.notes[path]
        used = {key for claim in claims for key in claim.highlights}
        numbers = {int(key.split(":")[1]) for key in used}
        near = sorted(numbers | {number + 1 for number in numbers})
        highlights = [known[f"readwise:{number}"] for number in near if f"readwise:{number}" in known]
        found, candidates = provenance.evidence(text, highlights)
        for item in candidates:
            start, end, _ = found[item.unit]
            rows.append((item.features, _rests(claims, start, end, highlights[item.highlight])))
    return rows


def _rests(claims: list[paired_world.Claim], start: int, end: int, highlight: Highlight) -> bool:
    return any(claim.start < end and start < claim.end and highlight.outside_ids[0] in claim.highlights for claim in claims)


def _by_note(world: paired_world.World) -> dict[str, list[paired_world.Claim]]:
    notes: dict[str, list[paired_world.Claim]] = defaultdict(list)
    for claim in world.claims:
        notes[claim.note_path].append(claim)
    return notes


def kind(candidate: Candidate) -> str:
    return next(name for name in ("ALONE", "WORDS", "BOTH", "MEANING", "LINKED") if candidate.model is getattr(odds_now, name))


def shown(name: str, odds: Odds) -> str:
    weights = ", ".join(f'"{key}": {value:.3f}' for key, value in odds.weights.items())
    bend = ", ".join(f"{value:.3f}" for value in odds.bend)
    return f"{name} = Odds({odds.bias:.3f}, {{{weights}}}, ({bend}))"


def write(path: Path, lines: str) -> None:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(# --- printed by [^\n]*\n).*?(# --- end ---)", lambda found: f"{found[1]}{lines}\n{found[2]}", text, flags=re.DOTALL)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into src/notewright")
    parser.add_argument("--worlds", type=int, default=12)
    options = parser.parse_args()
    books = paired_world.texts("fit")
    rows: dict[str, Rows] = defaultdict(list)
    for embeddings in (False, True):
        origins = [generated(1000 + number, books, embeddings=embeddings) for number in range(options.worlds)]
        for candidate, right in chain(*origins, sample(embeddings=embeddings)):
            if not candidate.sure and (kind(candidate) in ("BOTH", "MEANING")) == embeddings:
                rows[kind(candidate)].append((candidate.features, right))
    tables = []
    for name, prior in (("LINKED", LINKED), ("WORDS", WORDS), ("BOTH", BOTH), ("MEANING", MEANING), ("ALONE", ALONE)):
        features, truth = [row for row, _ in rows[name]], [right for _, right in rows[name]]
        print(f"# {name}: {len(truth)} candidates, {sum(truth)} right")
        tables.append(shown(name, fit_bend(fit(features, truth, prior), features, truth)))
    told: Rows = [row for number in range(options.worlds) for row in units(2000 + number, books)]
    print(f"# provenance: {len(told)} candidates, {sum(right for _, right in told)} right")
    odds = fit([row for row, _ in told], [right for _, right in told], PROVENANCE, ridge=10.0)
    weights = ", ".join(f'"{key}": {value:.3f}' for key, value in odds.weights.items())
    own = f"ODDS_BIAS = {odds.bias:.3f}\nODDS = {{{weights}}}"
    print("\n".join([*tables, own]))
    if options.write:
        package = HERE.parent / "src" / "notewright"
        write(package / "pairing" / "odds.py", "\n".join(tables))
        write(package / "provenance.py", own)


if __name__ == "__main__":
    main()
