"""How pairing grows: time and peak memory on generated libraries, and against comparing every highlight with every note.

    python benchmarks/pairing_scale.py [--sizes 10000 30000 100000] [--workers N]

Each size runs in a fresh process: a generated library (highlights / 20 notes) is filled, which is not timed; then `pair` on the stored
library and provenance for every proposed pair are, together. Then pairing again unchanged, and again after one note was edited. Beside
the time by the clock stands CPU time, of all processes together, which other work on the machine lengthens less, and the load (processes
that want a core). Peak memory is that of all processes together, looked at five times a second: resident sizes, which count a page that two
of them share twice. The rival compares every highlight with every note by rapidfuzz's `partial_ratio` (one thread; a fast C implementation)
and takes those above the cutoff that is best for it on its own sample. Its time is a sample's, multiplied to all pairs: call by call, and
by one `cdist` that knows the cutoff and may stop early; the quicker one counts. F1 is over (note, highlight) on the notes of the sample.
Writes benchmarks/results/pairing_scale.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import paired_world

HERE = Path(__file__).resolve().parent
PER_SOURCE = 40


class Memory(threading.Thread):
    """`peak`: the most that this process and those it started held together, in MB, until `done`; `most` of them at once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.most, self.done = 0.0, 1, threading.Event()

    def run(self) -> None:
        import psutil

        while not self.done.wait(0.2):
            processes = [psutil.Process(), *psutil.Process().children()]
            sizes = []
            for process in processes:
                with suppress(psutil.Error):
                    sizes.append(process.memory_info().rss / 2**20)
            self.peak, self.most = max(self.peak, sum(sizes)), max(self.most, len(sizes))


def cpu_s() -> float:
    """Of this process and of those it started that have ended."""
    return sum(os.times()[:4])


def one(size: int, workers: int) -> dict[str, float]:
    from notewright.library import Library
    from notewright.pairing import pair
    from notewright.provenance import provenances
    from notewright.vault.notes import parse_note

    sources, notes = size // 32, size // 20
    world = paired_world.make(seed=11, sources=sources, notes=notes, texts=paired_world.texts("all"), per_source=PER_SOURCE)
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        paired_world.fill(library, world)
        memory = Memory()
        memory.start()
        started, cpu = time.perf_counter(), cpu_s()
        pair(library, workers=workers)
        paired, pair_cpu = time.perf_counter() - started, cpu_s() - cpu
        pairs = library.pairs.all()
        texts = {item.id: item for group in library.sources.all_highlights().values() for item in group}
        cases = [(item.passage_text, [texts[link.highlight_id] for link in item.links]) for item in pairs]
        units = sum(len(spans) for spans in provenances(cases, workers=workers))
        whole, whole_cpu = time.perf_counter() - started, cpu_s() - cpu
        memory.done.set()
        started, cpu = time.perf_counter(), cpu_s()
        pair(library)
        unchanged, unchanged_cpu = time.perf_counter() - started, cpu_s() - cpu
        path = next(path for path in sorted(world.notes) if path.startswith("Notes/"))
        world.notes[path] += "\n- One more thought on it.\n"
        parsed = (parse_note(name, text.encode()) for name, text in sorted(world.notes.items()))
        library.notes.sync([(item.note, item.passages) for item in parsed])
        started, cpu = time.perf_counter(), cpu_s()
        report = pair(library)
        edited, edited_cpu = time.perf_counter() - started, cpu_s() - cpu
        found = {(item.note_path, link.highlight_id) for item in pairs for link in item.links}
        result = {
            "highlights": library.counts()["highlights"], "notes": len(world.notes), "pairs": len(pairs), "units": units, "pair_s": paired,
            "pair_cpu_s": pair_cpu, "with_provenance_s": whole, "with_provenance_cpu_s": whole_cpu, "peak_mb": memory.peak,
            "processes": memory.most,
            "unchanged_s": unchanged, "unchanged_cpu_s": unchanged_cpu, "one_edited_s": edited, "one_edited_cpu_s": edited_cpu,
            "one_edited_weighed": report.notes_weighed, "load": os.getloadavg()[0],
        }  # fmt: skip
        return {**result, **rival(world, found, len(texts))}


def rival(world: paired_world.World, found: set[tuple[str, str]], highlights: int) -> dict[str, float]:
    """All-pairs rapidfuzz on a sample of notes, all their true highlights and as many others; F1 of both on the same pairs."""
    from rapidfuzz import fuzz, process

    from notewright.text import normalise

    rng = random.Random(5)
    notes = rng.sample(sorted(world.notes), min(40, len(world.notes)))
    known = {item.outside_ids[0]: normalise(item.text) for source in world.sources for item in source.highlights}
    truth = {(claim.note_path, key) for claim in world.claims for key in claim.highlights if claim.note_path in set(notes)}
    some = sorted({key for _, key in truth}) + rng.sample(sorted(known), min(len(known), 300))
    texts = {note: normalise(world.notes[note]) for note in notes}
    started = time.process_time()
    ratios = {(note, key): fuzz.partial_ratio(known[key], texts[note]) for note in notes for key in some}
    seconds = time.process_time() - started
    total = seconds / len(ratios) * highlights * len(world.notes)
    best, cutoff = max((_f1({key for key, value in ratios.items() if value >= cutoff}, truth), cutoff) for cutoff in range(60, 100, 2))
    started = time.process_time()
    process.cdist([known[key] for key in some], [texts[note] for note in notes], scorer=fuzz.partial_ratio, score_cutoff=cutoff, workers=1)
    told = (time.process_time() - started) / len(ratios) * highlights * len(world.notes)
    mine = _f1({key for key in found if key in ratios}, truth)
    return {"f1": mine, "rapidfuzz_f1": best, "rapidfuzz_all_s": total, "rapidfuzz_cutoff_all_s": told, "rapidfuzz_compared": len(ratios)}


def _f1(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return 2 * len(found & truth) / max(1, len(found) + len(truth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=0, help="processes for a large library (default: one for each core)")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one, options.workers)))
        return
    rows = []
    for size in options.sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(size), "--workers", str(options.workers)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        rows.append({key: round(value, 3) for key, value in json.loads(done.stdout.splitlines()[-1]).items()})
        print(json.dumps(rows[-1]), flush=True)
    first, last = rows[0], rows[-1]
    exponents = {
        name: round(math.log(last[name] / first[name]) / math.log(last["highlights"] / first["highlights"]), 3)
        for name in ("with_provenance_s", "with_provenance_cpu_s")
        if len(rows) > 1
    }
    rival_s = min(last["rapidfuzz_all_s"], last["rapidfuzz_cutoff_all_s"])
    times = round(rival_s / last["with_provenance_cpu_s"], 1)
    print(f"growth exponents {exponents}; all-pairs rapidfuzz takes {times} times as long (CPU time)")
    target = HERE / "results" / "pairing_scale.json"
    target.write_text(json.dumps({"rows": rows, "exponents": exponents, "times_rapidfuzz": times}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
