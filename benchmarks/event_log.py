"""Is an acknowledged event ever lost? A child writes rankings and says each one's number once the verb has returned; it is killed (SIGKILL)
at a random moment; the library is opened again and every acknowledged event must be there exactly once. 300 times, one growing library.

    python benchmarks/event_log.py [--kills 300]

Killing the process tests the log, the transactions and our own acknowledgement; it cannot test a power cut, for which the library syncs the
log to the disk at every commit (PRAGMA synchronous=FULL in WAL mode).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from notewright.library import Library

CHILD = """
import sys
from pathlib import Path
from notewright.library import Library
with Library.open(Path(sys.argv[1])) as library:
    print("ready", flush=True)
    number = 0
    while True:
        number += 1
        event = library.events.append("ranking", sys.argv[2], {"number": number, "shown": ["x" * 400]})
        print(event.id, number, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=300)
    kills = parser.parse_args().kills
    chance = random.Random(7)
    lost = doubled = changed = acknowledged = unacknowledged = 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        Library.create(home).close()
        known = 0
        for round_number in range(kills):
            child = subprocess.Popen([sys.executable, "-c", CHILD, str(home), f"round-{round_number}"], stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.12))
            child.kill()
            told = [line.split() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            child.wait()
            child.stdout.close()
            with Library.open(home) as library:
                events = library.events.all(subject=f"round-{round_number}")
                numbers = [event.payload["number"] for event in events]
                ids = {str(event.id): event.payload["number"] for event in events}
                lost += sum(ids.get(event_id) != int(number) for event_id, number in told)
                doubled += len(numbers) - len(set(numbers))
                unacknowledged += len(numbers) - len(told)
                acknowledged += len(told)
                known += len(numbers)
        with Library.open(home) as library:
            changed = known - len(library.events.all("ranking"))
            sound = library.db.row("PRAGMA integrity_check")[0]
    result = {
        "kills": kills, "acknowledged": acknowledged, "lost": lost, "doubled": doubled, "vanished_later": changed,
        "stored_but_not_yet_acknowledged": unacknowledged, "integrity_check": sound, "seconds": round(time.perf_counter() - started, 1),
        "cpus": os.cpu_count(),
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    Path(__file__).parent.joinpath("results", "event_log.json").write_text(json.dumps(result, indent=2) + "\n")
    sys.exit(bool(lost or doubled or changed or sound != "ok"))


if __name__ == "__main__":
    main()
