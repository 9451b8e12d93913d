"""How import time and memory grow: generated CSVs of 10k, 30k and 100k highlights, each imported into a fresh home, then again unchanged.

    python benchmarks/importing.py [--rows 10000 30000 100000] [--repeat 3]

Every import runs in a child process of its own; its wall time covers the verb, not the interpreter's start, and its memory is the child's
peak. Prints a table of medians and writes `benchmarks/results/importing.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results" / "importing.json"
PER_BOOK = 60
AIMS = {"rows": 100_000, "first_s": 20.0, "again_s": 5.0, "peak_mb": 500}
HEADER = (
    "Highlight", "Book Title", "Book Author", "Amazon Book ID", "Note", "Color", "Tags", "Location Type", "Location", "Highlighted at",
    "Document tags",
)  # fmt: skip
CHILD = """
import json, resource, sys, time
from pathlib import Path
from notewright.importers import import_readwise
from notewright.library import Library
with Library.create(Path(sys.argv[1])) as library:
    start = time.perf_counter()
    report = import_readwise(library, path=Path(sys.argv[2]))
    seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps({"seconds": seconds, "peak_mb": peak, "added": report.added, "changed": report.changed, "unchanged": report.unchanged}))
"""


def write_csv(path: Path, rows: int) -> int:
    """Plausible highlights: 60 a book, 20-60 words, some with quotes, paragraphs, notes, tags; and marks, which do not count."""
    highlights = 0
    luck = random.Random(rows)
    words = ["".join(luck.choices("abcdefghijklmnopqrstuvwxyz", k=luck.randint(2, 10))) for _ in range(4000)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            book, place = divmod(number, PER_BOOK)
            mark = place % 20 == 0
            highlights += not mark
            text = " ".join(luck.choices(words, k=4 if mark else luck.randint(20, 60))).capitalize() + "."
            if place % 5 == 1:
                text = f"“{text}” – {luck.choice(words)}"
            if place % 17 == 3:
                text = text.replace(" ", "\n\n", 3)
            note = ".h1" if mark else " ".join(luck.choices(words, k=8)) if place % 4 == 0 else ""
            tags = ", ".join(luck.choices(words, k=2)) if place % 6 == 0 else ""
            moment = f"20{10 + book % 15:02d}-{1 + book % 12:02d}-{1 + place % 28:02d} {place % 24:02d}:{place:02d}:{number % 60:02d}+00:00"
            writer.writerow(
                [text, f"Book {book}: {words[book % 4000]}", f"Author {book % 700}", f"B{book:09d}", note, "yellow", tags, "location",
                 place * 37 + 12, moment, "reading"]
            )  # fmt: skip
    return highlights


def measure(home: Path, file: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", CHILD, str(home), str(file)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    table = []
    print(f"{'rows':>8}  {'first import':>14}  {'unchanged again':>16}  {'peak memory':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            file = Path(folder) / f"{rows}.csv"
            expected = write_csv(file, rows)
            firsts, agains = [], []
            for turn in range(options.repeat):
                home = Path(folder) / f"home-{rows}-{turn}"
                firsts.append(measure(home, file))
                agains.append(measure(home, file))
                if firsts[-1]["added"] != expected or agains[-1]["changed"] or agains[-1]["unchanged"] != expected:
                    raise SystemExit(f"wrong result: {firsts[-1]} then {agains[-1]}")
            row = {
                "rows": rows,
                "file_mb": round(file.stat().st_size / 1e6, 1),
                "first_s": round(statistics.median(item["seconds"] for item in firsts), 2),
                "again_s": round(statistics.median(item["seconds"] for item in agains), 2),
                "peak_mb": round(max(item["peak_mb"] for item in (*firsts, *agains))),
                "all_first_s": [round(item["seconds"], 2) for item in firsts],
                "all_again_s": [round(item["seconds"], 2) for item in agains],
            }
            table.append(row)
            print(f"{rows:>8,}  {row['first_s']:>12.2f} s  {row['again_s']:>14.2f} s  {row['peak_mb']:>11,} MB", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()}
    RESULTS.write_text(json.dumps({"aims": AIMS, "repeat": options.repeat, "machine": machine, "results": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
