"""How quick the server is, and whether it holds: on the seedling, over HTTP on loopback.

    python benchmarks/serving.py [--seconds 120] [--clients 64]

One warm server (`notewright serve`, a process of its own) on the bundled sample. First: the time from sending the wish to the first text
of a candidate on the wire; from a ranking to its answer, at rest and while a draft is being written. Then `--clients` of them draft (two
short candidates) and rank at once; every answer is checked, and afterwards every acknowledged draft and ranking is looked for in the
library. Prints a table and writes `benchmarks/results/serving.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil

from notewright.importers import import_readwise
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.pairing import pair
from notewright.sample import copy_sample
from notewright.settings import Settings, save_settings

RESULTS = Path(__file__).resolve().parent / "results" / "serving.json"
AIMS = {"first_text_s": 0.5, "ranking_s": 0.2, "errors": 0, "lost": 0}
SHORT = {"n": 2, "written": 2, "max_new_tokens": 24, "examples": 0}


def prepare(folder: Path) -> Settings:
    sample = copy_sample(folder / "sample")
    settings = Settings(home=folder / "home", vault=sample / "vault")
    with Library.create(settings.home) as library:
        save_settings(settings)
        import_readwise(library, path=sample / "readwise-api.json")
        import_vault(library, settings=settings)
        pair(library, settings=settings)
    return settings


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, dict]]:
    kind = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


async def draft(client: httpx.AsyncClient, wish: dict) -> tuple[float, dict]:
    """(Seconds to the first text, the batch)."""
    began, first, last = time.perf_counter(), 0.0, {}
    async with client.stream("POST", "/api/drafts", json=wish) as response:
        response.raise_for_status()
        async for kind, data in events(response):
            if kind == "text" and not first:
                first = time.perf_counter() - began
            if kind == "error":
                raise RuntimeError(data["message"])
            last = data if kind == "done" else last
    return first, last


async def rank(client: httpx.AsyncClient, batch: dict) -> tuple[float, int]:
    """(Seconds, the event's id)."""
    ids = [[item["id"]] for item in batch["drafts"]]
    began = time.perf_counter()
    answer = await client.post(f"/api/batches/{batch['id']}/ranking", json={"order": ids})
    answer.raise_for_status()
    return time.perf_counter() - began, answer.json()["id"]


async def measure(address: str, token: str, clients: int, seconds: float) -> dict:
    limits = httpx.Limits(max_connections=4 * clients, max_keepalive_connections=4 * clients)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=300, limits=limits, trust_env=False) as client:
        while (await client.get("/api/status")).json()["waiting"]:
            await asyncio.sleep(0.2)
        chapters = (await client.get("/api/queue", params={"limit": 200})).json()["chapters"]
        wishes = [{"source": item["source_id"], "highlight_ids": item["highlight_ids"], **SHORT} for item in chapters]
        _, batch = await draft(client, wishes[0])
        firsts, usual = [], []
        for wish in wishes[:20]:
            firsts.append((await draft(client, wish))[0])
            usual.append((await draft(client, {**wish, "n": 3, "examples": None, "max_new_tokens": 8}))[0])
        idle = [(await rank(client, batch))[0] for _ in range(50)]
        busy, long_one = [], asyncio.create_task(draft(client, {**wishes[1], "max_new_tokens": 400, "n": 4}))
        while not long_one.done():
            busy.append((await rank(client, batch))[0])
            await asyncio.sleep(0.05)
        crowd = await together(client, wishes, batch, clients, seconds)
    return {"first": firsts, "first_usual": usual, "rank_idle": idle, "rank_busy": busy, **crowd}


async def together(client: httpx.AsyncClient, wishes: list[dict], batch: dict, clients: int, seconds: float) -> dict:
    end = time.perf_counter() + seconds
    drafts: list[str] = []
    rankings: list[int] = []
    waits: list[float] = []
    answers: list[float] = []
    errors: list[str] = []

    async def person(number: int) -> None:
        mine = batch

        async def keep_drafting() -> None:
            nonlocal mine
            turn = 0
            while time.perf_counter() < end:
                began = time.perf_counter()
                try:
                    _, mine = await draft(client, wishes[(number + turn * 7) % len(wishes)])
                    drafts.extend(item["id"] for item in mine["drafts"])
                except (httpx.HTTPError, RuntimeError, KeyError) as error:
                    errors.append(f"draft: {error!r}")
                waits.append(time.perf_counter() - began)
                turn += 1

        async def keep_ranking() -> None:
            while time.perf_counter() < end:
                try:
                    took, event = await rank(client, mine)
                    answers.append(took)
                    rankings.append(event)
                except (httpx.HTTPError, KeyError) as error:
                    errors.append(f"rank: {error!r}")
                await asyncio.sleep(1.5)

        await asyncio.gather(keep_drafting(), keep_ranking())

    await asyncio.gather(*(person(number) for number in range(clients)))
    return {"drafts": drafts, "rankings": rankings, "draft_s": waits, "rank_crowd": answers, "errors": errors}


class Memory(threading.Thread):
    """The most main memory a process has held, looked at twice a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.most, self.over = psutil.Process(pid), 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.5):
            try:
                self.most = max(self.most, self.process.memory_info().rss)
            except psutil.Error:
                return


def summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": round(statistics.median(ordered), 4), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 4), "times": len(ordered)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(Path(folder))
        command = [sys.executable, "-m", "notewright.cli", "--home", str(settings.home), "serve", "--port", "0"]
        told = os.environ | {"PYTHONFAULTHANDLER": "1"}  # should it die, it says where
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=told) as server:
            assert server.stdout is not None
            link = next(line.strip() for line in server.stdout if "/login?token=" in line)
            address, _, token = link.partition("/login?token=")
            memory = Memory(server.pid)
            try:
                found = asyncio.run(measure(address, token, options.clients, options.seconds))
            finally:
                died = server.poll()
                server.terminate()
                memory.over.set()
        with Library.open(settings.home) as library:
            kept_events = {event.id for event in library.events.all("ranking")}
            kept_drafts = {item.id for item in library.drafts.all()}
    lost = len(set(found["rankings"]) - kept_events) + len(set(found["drafts"]) - kept_drafts)
    doubled = len(found["rankings"]) - len(set(found["rankings"])) + len(found["drafts"]) - len(set(found["drafts"]))
    names = {
        "first": "first text, 2 candidates", "first_usual": "first text, 3 candidates, with examples", "rank_idle": "ranking, at rest",
        "rank_busy": "ranking, while a draft is written", "rank_crowd": "ranking, in the crowd", "draft_s": "whole draft, in the crowd",
    }  # fmt: skip
    rows = {words: summary(found[name]) for name, words in names.items()}
    crowd = {
        "clients": options.clients, "seconds": options.seconds, "drafts": len(found["drafts"]), "rankings": len(found["rankings"]),
        "errors": len(found["errors"]), "lost": lost, "doubled": doubled,
        "server_ended_by_itself": died, "server_memory_mib": round(memory.most / 2**20),
    }  # fmt: skip
    load = [round(value, 1) for value in os.getloadavg()]
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count(), "load": load}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"aims": AIMS, "rows": rows, "crowd": crowd, "machine": machine}, indent=1) + "\n")
    for words, row in rows.items():
        print(f"{words:<42} {row['median']:>8.3f} s median  {row['p95']:>8.3f} s p95  ({row['times']})")
    print(json.dumps(crowd), *found["errors"][:3], sep="\n")


if __name__ == "__main__":
    main()
