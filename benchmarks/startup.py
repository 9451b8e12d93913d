"""How long the command line takes to start, against a bare interpreter. Run: python benchmarks/startup.py

Each round runs every command once, in turn, so that a busy moment of the machine hits all of them; medians and their ratio to
`python -c pass` are reported. Aim: `notewright --help` at most 3x.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 31
RESULTS = Path(__file__).parent / "results" / "startup.json"


def main() -> None:
    script = str(Path(sys.executable).parent / "notewright")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "notewright --help": [script, "--help"],
        "notewright status": [script, "status"],
        "notewright draft --help": [script, "draft", "--help"],
    }
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "NOTEWRIGHT_HOME": home}
        subprocess.run([script, "init"], env=environment, check=True, capture_output=True)
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, env=environment, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    bare = medians["python -c pass"]
    rows = {name: {"milliseconds": round(value * 1000, 1), "times_bare": round(value / bare, 2)} for name, value in medians.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"rounds": ROUNDS, "python": sys.version.split()[0], "rows": rows}, indent=2) + "\n")
    for name, row in rows.items():
        print(f"{name:<26} {row['milliseconds']:>8.1f} ms  {row['times_bare']:>5.2f}x")


if __name__ == "__main__":
    main()
