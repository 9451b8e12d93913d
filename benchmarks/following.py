"""How often an edited passage is found again, by the amount of change: `python benchmarks/following.py [--data ../shared/data/vaults]`.

Passages of real notes (the bundled sample, and the vaults in `--data` where they are at hand) are edited by a seeded script: a share of
the passage's words is replaced, removed or joined by new ones, whole lines are dropped or moved, and the rest of the note is edited
as well (lines rewritten, paragraphs added above and below, the heading above renamed, sections swapped). Found means the exact text the
script left between the passage's borders; near means at least 90 % of its words with at most 10 % foreign ones.
`follow` knows the whole earlier note; `trace` knows only the passage, its headings and its offset.

`--places N` instead: drafts that say what N passages of the sample vault say, three words in ten changed, are accepted into a note of their
own beside those older notes; then that note is deleted, or goes elsewhere. Counted is where the product then believes the draft to be.
`--vault N` instead: how long accepting and looking take in a vault of N generated notes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from notewright import feedback
from notewright.errors import Invalid
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft, Highlight, Model, Source
from notewright.settings import Settings
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


def world(folder: Path, vault: Path, text: str) -> tuple[Library, Settings, str]:
    """A library with one draft."""
    settings = Settings(home=folder / "home", vault=vault)
    library = Library.create(settings.home)
    source = Source(title="A source", outside_ids=("readwise:b1",), highlights=(Highlight("Words.", outside_ids=("readwise:1",)),))
    library.sources.upsert([source], origin="api", complete=True)
    model = library.models.add(Model(library.models.new_id(), "base/none", "", "base", now()))
    [draft] = library.drafts.add([Draft("", library.drafts.new_batch(), "readwise:b1", "", model.id, text, 0, 0, now())])
    return library, settings, draft.id


def places(number: int, seed: int) -> list[dict[str, object]]:
    """For each thing that can happen to a draft's note: how often the draft is believed where it is, in a wrong place, or nowhere."""
    chosen = cases([SAMPLE], random.Random(seed), number)
    words = sorted({word for note, *_ in chosen for word in re.findall(r"[^\W\d_]{3,}", note)})
    ways: dict[str, Callable[[Path, str, random.Random], str]] = {
        "deleted": lambda vault, text, rng: "",
        "deleted, and the older note edited": _touch_older,
        "renamed": lambda vault, text, rng: _put(vault / "New.md", text),
        "renamed and edited": lambda vault, text, rng: _put(vault / "New.md", edit_words(rng, text, 0.2, words)),
        "into an unrelated note": lambda vault, text, rng: _append(vault / "Other.md", text),
        "into the older note": lambda vault, text, rng: _append(next(vault.glob("Older*.md")), text),
    }
    table = []
    for way, happen in ways.items():
        counts: Counter[str] = Counter()
        for index, (note, start, end, _) in enumerate(chosen):
            rng = random.Random(f"{seed} {way} {index}")
            passage = note.encode()[start:end].decode()
            text = tidy(re.sub(r"!?\[\[|\]\]|!?\[(?=[^]]*\]\()|\]\([^)]*\)", "", edit_words(rng, passage, 0.3, words)))  # no links
            with tempfile.TemporaryDirectory() as folder:
                vault = Path(folder) / "vault"
                vault.mkdir()
                (vault / "Older.md").write_text(note)
                (vault / "Other.md").write_text("# Other\n\nWords of another matter.\n")
                library, settings, draft = world(Path(folder), vault, text)
                with library:
                    try:
                        feedback.accept(library, settings=settings, draft_id=draft, into="Trial.md", force=True)
                    except Invalid:
                        continue
                    feedback.capture(library, settings=settings, quiet=0.0)
                    own = (vault / "Trial.md").read_text()
                    (vault / "Trial.md").unlink()
                    place = happen(vault, own, rng)
                    feedback.capture(library, settings=settings, quiet=0.0)
                    [follow] = library.follows.all()
                    believed = follow.note_path if follow.state == "followed" else ""
                    counts["right" if believed == place else "nowhere" if not believed else "wrong"] += 1
        table.append(
            {"its note was": way, "drafts": sum(counts.values()), **{kind: counts[kind] for kind in ("right", "nowhere", "wrong")}}
        )
        print(table[-1], flush=True)
    return table


def _put(path: Path, text: str) -> str:
    path.write_text(text)
    return path.name


def _append(path: Path, text: str) -> str:
    return _put(path, path.read_text() + "\n\n" + text + "\n")


def _touch_older(vault: Path, text: str, rng: random.Random) -> str:
    _append(vault / "Older.md", "A remark of today.")
    return ""


def in_a_vault(notes: int) -> dict[str, float]:
    """Seconds, each once."""
    from vault_index import write_vault

    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        vault = Path(folder) / "vault"
        write_vault(vault, notes)
        lines = (
            "Willow cuttings hold a bank better than stone",
            "The gravel travels until the slope is gentle enough",
            "They took out bends",
        )
        text = "## A draft\n" + "\n".join(f"- {line}, observers say, in part {part}." for part in (1, 2, 3, 4) for line in lines)
        library, settings, draft = world(Path(folder), vault, text)

        def timed(name: str, act: Callable[[], object]) -> None:
            began = time.perf_counter()
            act()
            took[name] = round(time.perf_counter() - began, 3)

        def look() -> None:
            feedback.capture(library, settings=settings, quiet=0.0)

        with library:
            own, other = vault / "Folder 1" / "Note 1.md", vault / "Folder 2" / "Note 2.md"
            timed("accept", lambda: feedback.accept(library, settings=settings, draft_id=draft, into="Folder 1/Note 1.md"))
            timed("first look", look)
            timed("nothing changed", look)
            _append(other, "More.")
            timed("another note changed", look)
            own.write_text(own.read_text().replace("in part 2", "in part two"))
            timed("edited", look)
            own = own.rename(vault / "Renamed.md")
            timed("renamed", look)
            own.unlink()
            timed("gone", look)
            timed("still gone", look)
    return took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).parent.parent.parent / "shared" / "data" / "vaults")
    parser.add_argument("--passages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--places", type=int, default=0)
    parser.add_argument("--vault", type=int, default=0)
    options = parser.parse_args()
    if options.places or options.vault:
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        known |= {"places": places(options.places, options.seed)} if options.places else {}
        known |= {"vault": {"notes": options.vault, **in_a_vault(options.vault)}} if options.vault else {}
        print(known.get("vault") if options.vault else "")
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")
        return
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
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**{key: known[key] for key in ("places", "vault") if key in known}, **result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
