"""Reading Obsidian Markdown: exact round trips, speed beside a CommonMark parser, linear time on hostile input, previews.

    python benchmarks/vault.py [--notes FOLDER ...] [--generated 100000] [--rounds 5] [--only notes previews generated hostile]

`--notes` holds folders of Markdown (the bundled sample is always taken). The generated inputs are pieces of the golden files, cut and
joined at random from a fixed seed. Hostile inputs repeat one piece up to 60 and 120 kB; linear time shows as a ratio of about 2. Writes
benchmarks/results/vault.json and prints the tables; exits with 1 if a single input does not come back byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from notewright.vault.render import render
from notewright.vault.tokens import tokenize

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "tests" / "vault" / "golden"
SAMPLE = HERE.parent / "src" / "notewright" / "sample" / "data"
RESULTS = HERE / "results" / "vault.json"
AIM_MB_S = 5.0
PARTS = ("notes", "previews", "generated", "hostile")
JOINTS = (
    *(b"", b"\n", b"\n\n", b"\r\n", b"\r", b"> ", b"\n> ", b"\n- ", b"\n    ", b" ", b"\xff", b"\x00", b"|", b"\n|---|\n"),
    *(b"%%", b"$$", b"`", b"\t", b"\xe2\x80", b"\xef\xbb\xbf", b"---\n", b"[[", b"]]", b"==", b"**", b"<!--", b"-->", b"<%", b"%>"),
)
HOSTILE = (
    *(b"[[", b"[", b"![", b"](", b'[a](b "', b"[a](b '", b"[](<", b"$", b"$a ", b"$$", b"\\$", b"*", b"*a ", b"**a ", b"*_", b"*a **b "),
    *(b"_a", b"a_b_", b"%%", b"%% a\n\n`", b">", b"> ", b"> >\n", b"`", b"``a`", b"<", b"<a ", b"<a '\"", b"<!--", b"<%", b"{{", b"(a::"),
    *(
        b"[a::",
        b"^[",
        b"[^",
        b"==",
        b"==a",
        b"~~a ",
        b"- ",
        b"* - ",
        b"- a\n",
        b"  - a\n",
        b"1. ",
        b"#",
        b"# ",
        b"# a #",
        b"|",
        b"|a|\n|-|\n",
    ),
    *(b"-|", b" ", b"\t", b" \n", b"\r", b"\n", b"\\", b"\x00", b"\xff", b"http://a ", b"http://a))", b"a:: ", b"[a]: b\n", b"[a][b]"),
    *(
        b"```\n",
        b"~~~\n",
        b"<div>\n",
        b"<script>",
        b"---\n",
        b"===\n",
        b"a\n---\n",
        b"$$\n",
        b"> $$\n",
        b"    a\n",
        b"[![a](b)](",
        b"[a [b ",
    ),
)


def is_exact(data: bytes) -> bool:
    tokens = tokenize(data)
    return [0, *(token.end for token in tokens)] == [*(token.start for token in tokens), len(data)]


def generated(count: int) -> Iterable[bytes]:
    constructs = [path.read_bytes() for path in sorted(GOLDEN.glob("*.md"))]
    luck = random.Random(20)
    for _ in range(count):
        parts = []
        for _ in range(luck.randint(1, 8)):
            construct = luck.choice(constructs)
            start = luck.randrange(len(construct))
            parts += [construct[start : start + luck.randint(1, 40)], luck.choice(JOINTS)]
        yield b"".join(parts)


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this one thread: on a shared machine the clock on the wall says little."""
    start = time.process_time()
    work()
    return time.process_time() - start


def speeds(notes: Sequence[bytes], rounds: int) -> dict[str, float]:
    """Medians of rounds in which tokenizer and parser take turns."""
    parser = MarkdownIt("js-default")
    texts = [data.decode("utf-8", errors="replace") for data in notes]
    size = sum(map(len, notes)) / 1e6
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(seconds(lambda: deque(map(tokenize, notes), maxlen=0)))
        theirs.append(seconds(lambda: deque(map(parser.parse, texts), maxlen=0)))
    return {
        "mb": round(size, 2), "notes": len(notes), "tokenize_mb_s": round(size / statistics.median(ours), 2),
        "markdown_it_mb_s": round(size / statistics.median(theirs), 2),
        "ratio": round(statistics.median(second / first for first, second in zip(ours, theirs, strict=True)), 1),
    }  # fmt: skip


def hostile() -> list[dict[str, object]]:
    rows = []
    for piece in HOSTILE:
        half, whole = ((piece * (size // len(piece))) for size in (60_000, 120_000))
        first = seconds(lambda data=half: tokenize(data))
        second = seconds(lambda data=whole: tokenize(data))
        rows.append({"piece": repr(piece)[2:-1], "us_per_byte": round(second / len(whole) * 1e6, 2), "ratio": round(second / first, 2)})
    return sorted(rows, key=lambda row: -float(str(row["us_per_byte"])))


def previews(notes: Sequence[bytes]) -> dict[str, float]:
    times = sorted(seconds(lambda data=data: render(data)) * 1000 for data in notes)
    return {
        "notes": len(times), "median_ms": round(statistics.median(times), 2), "p95_ms": round(times[int(len(times) * 0.95)], 2),
        "slowest_ms": round(times[-1], 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=Path, nargs="*", default=[])
    parser.add_argument("--generated", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts to measure; the others keep their last figures")
    options = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    machine = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()}
    kept |= {"aim_mb_s": AIM_MB_S, "machine": machine}
    broken = 0
    sets = {"bundled sample": SAMPLE, **{path.name: path for path in options.notes}}
    notes = {name: [path.read_bytes() for path in sorted(folder.rglob("*.md"))] for name, folder in sets.items()}
    if "notes" in options.only:
        kept["notes"] = {}
        for name, texts in notes.items():
            wrong = sum(not is_exact(data) for data in texts)
            broken += wrong
            kept["notes"][name] = {**speeds(texts, options.rounds), "not_exact": wrong}
            print(f"{name}: {kept['notes'][name]}", flush=True)
    if "previews" in options.only:
        kept["previews"] = {name: previews(texts) for name, texts in notes.items()}
        print(f"previews: {kept['previews']}", flush=True)
    if "generated" in options.only:
        wrong = sum(not is_exact(data) for data in generated(options.generated))
        broken += wrong
        kept["generated"] = {"inputs": options.generated, "not_exact": wrong}
        print(f"generated: {kept['generated']}", flush=True)
    if "hostile" in options.only:
        kept["hostile"] = hostile()
        worst = max(float(str(row["ratio"])) for row in kept["hostile"])
        print(f"hostile: slowest {kept['hostile'][0]}, largest ratio for twice the length {worst}")
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
