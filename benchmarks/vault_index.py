"""A vault of 5,000 generated notes: read into the library, indexed for links, and both again after one note changed.

    python benchmarks/vault_index.py [--notes 5000] [--repeat 5]

`import` is the product's own `notewright import vault` as a command, interpreter start included; `index` is what lint, previews and the
server hold in memory, with the headings and block ids of every note read. Medians; the first import and the first index run once.
`_cpu_s` is processor time, which other work on the machine lengthens less than the clock's.
Writes `benchmarks/results/vault_index.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from notewright.library import Library
from notewright.settings import Settings, save_settings
from notewright.vault.index import VaultIndex, build_index

RESULTS = Path(__file__).resolve().parent / "results" / "vault_index.json"
AIMS = {"notes": 5000, "first_s": 20.0, "again_s": 0.5}


def write_vault(vault: Path, notes: int) -> int:
    """Notes of 1 to 8 kB in 50 folders with properties, headings, links, embeds, callouts and block ids; returns their bytes in all."""
    luck = random.Random(notes)
    words = ["".join(luck.choices("abcdefghijklmnopqrstuvwxyz", k=luck.randint(2, 10))) for _ in range(3000)]

    def sentence() -> str:
        return " ".join(luck.choices(words, k=luck.randint(8, 25))).capitalize() + "."

    size = 0
    for number in range(notes):
        one, two, name = luck.choices(words, k=3)
        parts = [f"---\ntags: [{one}, {two}]\naliases:\n  - {name}\nrating: 4\n---\n# Note {number}\n"]
        for section in range(luck.randint(2, 8)):
            parts.append(f"## {luck.choice(words)} {section}\n> [!quote] p. {section}\n> {sentence()}\n")
            parts.append(
                "\n".join(f"- {sentence()} [[Note {luck.randrange(notes)}#{luck.choice(words)}]]" for _ in range(luck.randint(1, 6))) + "\n"
            )
            parts.append(f"{sentence()} ^b{section}\n\n![[picture {luck.randrange(200)}.png|center|600]]\n")
        data = "\n".join(parts).encode()
        size += len(data)
        path = vault / f"Folder {number % 50}" / f"Note {number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (vault / "Assets").mkdir()
    for number in range(200):
        (vault / "Assets" / f"picture {number}.png").write_bytes(b"\x89PNG")
    return size


def change(vault: Path, turn: int) -> None:
    path = vault / "Folder 7" / f"Note {7 + 50 * turn}.md"
    path.write_text(path.read_text(encoding="utf-8") + f"\n## Added {turn}\nA new thought. ^new{turn}\n", encoding="utf-8")


def command(home: Path) -> tuple[float, float, dict[str, int]]:
    began, used = time.perf_counter(), spent()
    done = subprocess.run(
        [sys.executable, "-m", "notewright.cli", "--home", str(home), "import", "vault", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, spent() - used, json.loads(done.stdout)


def spent() -> float:
    """Processor seconds of all ended children."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def index_whole(vault: Path) -> tuple[float, VaultIndex]:
    began = time.perf_counter()
    index = build_index(vault)
    for path in index.notes():
        index.facts(path)
    return time.perf_counter() - began, index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vault, home = Path(folder) / "vault", Path(folder) / "home"
        size = write_vault(vault, options.notes)
        with Library.create(home):
            save_settings(Settings(home=home, vault=vault))
        first, first_cpu, report = command(home)
        assert report["added"] == options.notes, report
        same, changed, changed_cpu, refreshed, rebuilt = [], [], [], [], []
        index_first, index = index_whole(vault)
        for turn in range(options.repeat):
            seconds, _, report = command(home)
            assert report["unchanged"] == options.notes, report
            same.append(seconds)
            change(vault, turn)
            seconds, cpu, report = command(home)
            assert report["updated"] == 1, report
            changed.append(seconds)
            changed_cpu.append(cpu)
            began = time.perf_counter()
            index.refresh()
            found = index.facts(f"Folder 7/Note {7 + 50 * turn}.md")
            refreshed.append(time.perf_counter() - began)
            assert f"new{turn}" in found.block_ids
            began = time.perf_counter()
            build_index(vault).has_file("picture 7.png")
            rebuilt.append(time.perf_counter() - began)
    row = {
        "notes": options.notes, "mb": round(size / 1e6, 1), "import_first_s": round(first, 2),
        "import_unchanged_s": round(statistics.median(same), 3), "import_one_changed_s": round(statistics.median(changed), 3),
        "import_first_cpu_s": round(first_cpu, 2), "import_one_changed_cpu_s": round(statistics.median(changed_cpu), 3),
        "index_first_s": round(index_first, 2), "index_one_changed_s": round(statistics.median(refreshed), 3),
        "index_names_only_s": round(statistics.median(rebuilt), 3),
    }  # fmt: skip
    print(json.dumps(row, indent=1))
    machine = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()}
    RESULTS.write_text(json.dumps({"aims": AIMS, "repeat": options.repeat, "machine": machine, "result": row}, indent=1) + "\n")


if __name__ == "__main__":
    main()
