"""A server that improves by itself: when it begins, what keeps it, and that a restart begins nothing twice."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import small_world
from notewright import drafting, feedback, loop
from notewright.cli import main
from notewright.errors import NotewrightError
from notewright.evaluation import Comparison, Item
from notewright.evaluation.report import summarise
from notewright.library import Library
from notewright.library.atwork import AtWork, alone, tell
from notewright.loop.decide import Contender, Decision, Verdict
from notewright.server import create_app, improving
from notewright.server.hub import Hub
from notewright.server.improving import BROKEN_OFF, Improver
from notewright.server.jobs import Job, Jobs, run_command
from notewright.vault import parse_note
from served import ScriptedEngines
from small_world import CHAPTERS, ScriptedEngine, World, numbered


class Stub:
    """Stands in for the child process: a job that runs until it is told how it ends."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.titles = world, []
        self.jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
        self.after, self.said = 2, []
        self.again()
        monkeypatch.setattr(improving, "run_command", self.begin)
        monkeypatch.setattr(loop, "unsuitable", lambda library: self.against)
        self.against = ""

    def again(self) -> None:
        """A new start of the server."""
        self.improver = Improver(
            self.jobs, open_library=lambda: Library.open(self.world.library.home),
            settings=lambda: replace(self.world.settings, improve_after=self.after), tell=self.said.append,
        )  # fmt: skip

    def begin(self, jobs: Jobs, home: Path, kind: str, title: str, arguments: list[str], *, politely: bool, **_: object) -> Job:
        assert (kind, arguments, politely) == ("improve", ["improve", "--json"], True)
        self.titles.append(title)
        return Job(kind, title, "training")

    def begun(self) -> None:
        """What the verb keeps when it begins."""
        runs = self.world.library.home / "runs"
        folder = runs / f"improve-{len(list(runs.glob('improve-*'))) + 1}"
        folder.mkdir()
        state = {"started_at": "2026-01-01T00:00:00Z", "event": self.world.library.events.last()}
        (folder / "state.json").write_text(json.dumps(state))

    def judge(self, count: int) -> None:
        for _ in range(count):
            (item,) = drafting.draft(
                self.world.library, settings=self.world.settings, source="rivers", n=1, written=1, engine=ScriptedEngine(numbered)
            )
            feedback.decide(self.world.library, decision="reject", draft_id=item.id)


@pytest.fixture
def stub(world: World, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return Stub(world, monkeypatch)


def test_it_begins_after_so_many_judged_batches_one_at_a_time(stub: Stub) -> None:
    stub.judge(1)
    assert stub.improver.look() is None
    stub.judge(1)
    job = stub.improver.look()
    assert job is not None
    stub.begun()
    stub.judge(3)
    assert stub.improver.look() is job  # it goes on
    job.ended_at, job.state = "now", "done"
    second = stub.improver.look()  # three were judged meanwhile
    assert second not in (None, job)
    assert stub.titles == ["Improving by itself, after 2 judged batches of drafts", "Improving by itself, after 3 judged batches of drafts"]
    assert stub.said == [stub.titles[0], f"{stub.titles[0]}: done", stub.titles[1]]


def test_a_restart_begins_nothing_twice_but_goes_on_with_what_was_broken_off(stub: Stub) -> None:
    stub.judge(2)
    job = stub.improver.look()
    assert job is not None
    stub.begun()
    stub.improver.stop()  # the server ends while it runs
    stub.again()
    job = stub.improver.look()
    assert job is not None
    assert stub.titles[-1] == "Improving by itself, going on"
    job.ended_at, job.state = "now", "done"
    stub.improver.stop()
    stub.again()
    assert stub.improver.look() is None
    assert stub.world.library.db.get_state(BROKEN_OFF) == ""


def test_one_that_the_person_stopped_or_that_failed_waits_for_new_drafts(stub: Stub) -> None:
    stub.judge(2)
    job = stub.improver.look()
    assert job is not None
    job.problem, job.state, job.ended_at = NotewrightError("No source is kept back.", ""), "failed", "now"
    assert stub.improver.look() is None  # it failed before it kept anything
    assert stub.said[-1] == "No source is kept back."
    stub.judge(2)
    assert stub.improver.look() is not None


def test_one_that_the_person_stopped_before_it_had_begun_waits_for_new_drafts(stub: Stub) -> None:
    stub.judge(2)
    job = stub.improver.look()
    assert job is not None
    job.state, job.ended_at = "stopped", "now"
    assert stub.improver.look() is None
    stub.judge(2)
    assert stub.improver.look() is not None


@pytest.mark.parametrize("why", ["off", "battery"])
def test_what_keeps_it(stub: Stub, why: str) -> None:
    stub.judge(3)
    stub.after, stub.against = (0, "") if why == "off" else (2, "the machine runs on its battery")
    assert stub.improver.look() is None
    stub.after, stub.against = 2, ""
    assert stub.improver.look() is not None


def test_what_was_taken_back_does_not_count(stub: Stub) -> None:
    library = stub.world.library
    stub.judge(2)
    assert loop.judged_since(library) == 2
    library.events.append("undo", "", {"events": [library.events.last()]})
    assert loop.judged_since(library) == 1


def test_another_one_at_work_is_unsuitable(world: World) -> None:
    with alone(world.library.home):
        assert "at work" in loop.unsuitable(world.library)


@pytest.mark.parametrize(("plugged", "why"), [(False, "the machine runs on its battery"), (True, ""), (None, "")])
def test_a_battery_that_does_not_say_is_no_reason(world: World, plugged: bool | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop that is plugged in and kept from being charged full neither charges nor discharges."""
    monkeypatch.setattr("psutil.sensors_battery", lambda: SimpleNamespace(power_plugged=plugged), raising=False)
    monkeypatch.setattr("psutil.getloadavg", lambda: (0.0, 0.0, 0.0))
    assert loop.unsuitable(world.library) == why


def test_one_that_a_terminal_began_is_told(client: TestClient, world: World) -> None:
    assert client.get("/api/improve").json() is None
    assert client.get("/api/status").json()["improving"] is None
    with alone(world.library.home):
        begins = {"id": "", "text": "looking at what is new", "seconds": None, "before": None}
        assert client.get("/api/improve").json() == begins
        tell(world.library.home, AtWork("improve-1", "measuring SFT, test", 1, 6))
        told = {"id": "improve-1", "text": "measuring SFT, test; 1 of 6 passages written", "seconds": None, "before": None}
        assert client.get("/api/improve").json() == client.get("/api/status").json()["improving"] == told
        tell(world.library.home, AtWork("improve-1", "measuring SFT, test", since=time.time() - 90, before=300.0))
        told = client.get("/api/improve").json()
        assert (told["before"], 90 <= told["seconds"] < 120) == (300, True)
    assert client.get("/api/improve").json() is None


def test_a_polite_command_does_its_work(world: World) -> None:
    jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
    job = run_command(jobs, world.library.home, "improve", "Looking", ["status"], politely=True)
    assert job.settled.wait(240)
    assert (job.state, "Next: " in job.result["text"]) == ("done", True)


def test_where_a_command_is_is_told_without_its_small_print(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A training says what it is about to do, then lists its settings; between two lines many minutes may pass."""
    lines = "run-1: sft on seedling, 44 rows\n  memory: about 1 GB\n  samples = 2  (effort quick)\n\n"
    script = tmp_path / "command"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.stderr.write({lines!r})\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
    job = run_command(jobs, world.library.home, "improve", "Improving", ["improve"])
    assert job.settled.wait(120)
    assert (job.state, job.text) == ("done", "run-1: sft on seedling, 44 rows")


def test_one_that_was_killed_is_told_so_and_not_with_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "command"
    script.write_text(f"#!{sys.executable}\nimport os, sys\nprint('step 50/65', file=sys.stderr, flush=True)\nos.kill(os.getpid(), 9)\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
    job = run_command(jobs, world.library.home, "improve", "Improving", ["improve"])
    assert job.settled.wait(120)
    assert job.problem is not None
    assert (job.state, job.problem.message) == ("failed", "Improving: its process was killed (signal 9).")
    assert "step 50" not in job.problem.hint


def test_who_stops_it_twice_costs_no_checkpoint(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two tabs, an impatient click, or a server that is stopped then: a second interrupt ends a training at once."""
    script, saved = tmp_path / "command", tmp_path / "saved"
    script.write_text(
        f"#!{sys.executable}\nimport pathlib, sys, time\n"
        "try:\n    print('training', file=sys.stderr, flush=True)\n    time.sleep(120)\n"
        "except KeyboardInterrupt:\n    print('saving', file=sys.stderr, flush=True)\n"
        f"    while not pathlib.Path({str(saved)!r}).exists():\n        time.sleep(0.01)\n    print('saved')\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    jobs = Jobs(Hub(), make_room=lambda: None, room_again=lambda: None)
    job = run_command(jobs, world.library.home, "improve", "Improving", ["improve"])
    for told in ("training", "saving"):
        while job.text != told:
            assert not job.settled.wait(0.01), job.problem
        jobs.stop(job.id)
    saved.touch()
    assert job.settled.wait(120)
    assert (job.state, job.result) == ("stopped", {"text": "saved\n"})


def test_no_module_of_the_folder_the_server_was_started_in_is_taken(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('another argparse')")
    monkeypatch.chdir(tmp_path)
    job = run_command(Jobs(Hub(), make_room=lambda: None, room_again=lambda: None), world.library.home, "improve", "Looking", ["status"])
    assert job.settled.wait(120)
    assert job.state == "done", job.problem


def test_what_it_lacks_is_said_beforehand_and_when_it_is_asked_for(library: Library, tmp_path: Path) -> None:
    steps = {
        "no highlights": ((), ()),
        "no notes": (small_world.THINGS[:2], ()),
        "It takes 8 pairs that you accepted or that are sure enough; there are 6.": (small_world.THINGS[:3], small_world.THINGS[:3]),
        "All pairs are of 4 sources; it takes 5": (small_world.THINGS[:4], small_world.THINGS[:4]),
        "": (small_world.THINGS[:5], small_world.THINGS[:5]),
    }
    for number, (told, (things, paired)) in enumerate(steps.items()):
        world = small_world.build(library, tmp_path / str(number), things=things, paired=paired)
        app = create_app(world.settings, engines=ScriptedEngines())
        with TestClient(app, base_url="http://127.0.0.1:8765", headers={"authorization": f"Bearer {app.state.context.token}"}) as client:
            lacks = client.get("/api/status").json()["improve_lacks"]
            assert (told in lacks, bool(lacks)) == (True, bool(told))
            if told:
                answer = client.post("/api/improve", json={})
                assert (answer.status_code, answer.json()["message"]) == (422, lacks)


def test_a_source_that_measures_already_is_enough(library: Library, tmp_path: Path) -> None:
    small_world.build(library, tmp_path, things=small_world.THINGS[:4], paired=small_world.THINGS[:4])
    assert loop.lacking(library)
    library.db.set_state("splits", json.dumps({small_world.source("rivers").outside_ids[0]: "test"}))
    assert loop.lacking(library) == ""


def test_a_note_without_headings_counts_for_every_chapter_that_it_tells_of(library: Library, tmp_path: Path) -> None:
    things = small_world.THINGS[:5]
    world = small_world.build(library, tmp_path, things=things, paired=things)
    scanned = []
    for thing in things:
        path = world.vault / "Notes" / f"{thing.title()}.md"
        facts = [item for item in small_world.source(thing).highlights if item.annotation or item.tags]
        texts = [f"- {item.text}\n" for item in facts]
        path.write_text(f"**{CHAPTERS[0]}**\n\n{''.join(texts[:2])}\n**{CHAPTERS[1]}**\n\n{''.join(texts[2:])}", encoding="utf-8")
        parsed = parse_note(f"Notes/{path.name}", path.read_bytes())
        scanned.append((parsed.note, parsed.passages))
    library.notes.sync(scanned)
    shown = [[small_world.highlight_id(thing, chapter, number) for chapter in (0, 1) for number in (0, 1)] for thing in things]
    made = zip(things, scanned, shown, strict=True)
    library.pairs.propose([small_world.pair(thing, passages[0], ids) for thing, (_, passages), ids in made])
    assert library.counts()["pairs_teaching"] == 5
    assert loop.lacking(library) == ""


def test_an_improve_that_goes_on_lacks_nothing_but_one_that_begins_anew_does(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path, things=small_world.THINGS[:2])
    begun = library.home / "runs" / "improve-1" / "state.json"
    begun.parent.mkdir(parents=True)
    begun.write_text('{"sft_run": "run-1"}', encoding="utf-8")
    assert loop.lacking(library) == ""
    app = create_app(world.settings, engines=ScriptedEngines())
    with TestClient(app, base_url="http://127.0.0.1:8765", headers={"authorization": f"Bearer {app.state.context.token}"}) as client:
        answer = client.post("/api/improve", json={"fresh": True})
    assert (answer.status_code, answer.json()["message"]) == (422, loop.lacking(library, fresh=True))


@pytest.mark.parametrize("promoted", ["model-2", ""])
def test_what_came_of_it_is_told_in_fields_of_its_own(
    promoted: str, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [Item(f"pair-{at}", "s", "n.md", 0.5, 0.5, 0.5, False, (), "ours", "yours") for at in range(8)]
    measured = summarise(items, model_id="m", dataset_id="d", split="test", examples=False, created_at="", seconds=0, path=Path())
    verdict = Verdict(Contender("SFT", "model-2", False, measured), Comparison(8, 0.7, 0.5, -0.2, -0.3, -0.1), 1.0, 0.99, ("it copies",))
    report = loop.ImproveReport("improve-1", "f", "report.html", "model-1", promoted, "Because", Decision(None, "", (verdict,)), ("DPO",))
    monkeypatch.setattr(loop, "improve", lambda *_, **__: report)
    assert main(["improve", "--json"]) == 0
    printed, script = tmp_path / "printed", tmp_path / "command"
    printed.write_text(capsys.readouterr().out)
    script.write_text(f"#!{sys.executable}\nimport pathlib\nprint(pathlib.Path({str(printed)!r}).read_text())\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    job = client.post("/api/improve", json={"effort": "quick"}).json()
    while not job["ended_at"]:
        job = client.get(f"/api/jobs/{job['id']}").json()
    assert (job["state"], job["result"]) == ("done", None)
    assert job["improved"] == {
        "id": "improve-1", "verdict": "model-2 is the current version now." if promoted else "model-1 stays the current version.",
        "current": promoted or "model-1", "promoted": promoted, "reason": "Because", "page": "report.html", "skipped": ["DPO"],
        "ignored": [],
        "tried": [{
            "label": "SFT", "model_id": "model-2", "distance": 0.5, "change": -0.2, "low": -0.3, "high": -0.1, "objections": ["it copies"],
        }],
    }  # fmt: skip


def ended(home: Path, name: str, page: str, **state: str) -> None:
    """What an improve leaves."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"started_at": "2026-01-01T00:00:00Z", **state}))
    (folder / "report.html").write_text(page, encoding="utf-8")


def test_reports_are_listed_and_read(app: FastAPI, client: TestClient, world: World) -> None:
    assert client.get("/api/improve/reports").json() == []
    ended(world.library.home, "improve-2", "<h1>Zwei ü</h1>", finished_at="2026-01-02T00:00:00Z", verdict="model-1 stays.")
    ended(world.library.home, "improve-10", "<h1>Ten</h1>", finished_at="2026-01-03T00:00:00Z")
    ended(world.library.home, "improve-11", "<h1>Before it was stopped</h1>", started_at="2026-01-04T00:00:00Z")
    assert client.get("/api/improve/reports").json() == [
        {"id": "improve-10", "finished_at": "2026-01-03T00:00:00Z", "verdict": ""},
        {"id": "improve-2", "finished_at": "2026-01-02T00:00:00Z", "verdict": "model-1 stays."},
    ]
    answer = client.get("/api/improve/reports/improve-2")
    assert (answer.text, answer.headers["content-type"]) == ("<h1>Zwei ü</h1>", "text/html; charset=utf-8")
    with TestClient(app, base_url="http://127.0.0.1:8765") as stranger:
        for path in ("/api/improve/reports", "/api/improve/reports/improve-2"):
            assert stranger.get(path).status_code == 401


def test_one_that_was_broken_off_is_told_until_it_goes_on(client: TestClient, world: World) -> None:
    home = world.library.home
    assert client.get("/api/status").json()["improve_unfinished"] is None
    ended(home, "improve-1", "", effort="quick", sft_run="run-1", finished_at="2026-01-02T00:00:00Z")
    assert client.get("/api/status").json()["improve_unfinished"] is None
    ended(home, "improve-2", "", effort="quick")  # no training of it has begun: the next one is as it is asked for
    assert client.get("/api/status").json()["improve_unfinished"] is None
    ended(home, "improve-3", "", effort="quick", sft_run="run-2")
    assert client.get("/api/status").json()["improve_unfinished"] == {"id": "improve-3", "effort": "quick"}
    with alone(home):
        assert client.get("/api/status").json()["improve_unfinished"] is None


@pytest.mark.parametrize("path", ["/api/improve/reports/improve-1", "/api/report"])
def test_a_page_of_the_persons_texts_runs_and_loads_nothing(client: TestClient, world: World, path: str) -> None:
    ended(world.library.home, "improve-1", "<p>", finished_at="2026-01-02T00:00:00Z")
    headers = client.get(path).headers
    policy = [rule.strip() for rule in headers["content-security-policy"].split(";")]
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "sandbox"} <= set(policy)
    assert [rule for rule in policy if rule.startswith(("script-src", "connect-src", "sandbox "))] == []
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    "name",
    [
        "%2e%2e", "..%2f..%2fconfig.toml", "%2e%2e%2fserver-token", "improve-1%2f..%2f..%2fserver-token", "improve-1/report.html",
        "improve-1%00", "improve-01", "improve-", "run-1", "IMPROVE-1", "%2fetc%2fpasswd", "..%5c..%5cserver-token", "improve-2",
    ],
)  # fmt: skip
def test_no_name_reaches_any_other_file(client: TestClient, world: World, name: str) -> None:
    ended(world.library.home, "improve-1", "<p>", finished_at="2026-01-02T00:00:00Z")
    ended(world.library.home, "run-1", "secret", finished_at="2026-01-02T00:00:00Z")
    (world.library.home / "report.html").write_text("secret")
    answer = client.get(f"/api/improve/reports/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert client.app.state.context.token not in answer.text  # type: ignore[attr-defined]


def test_the_server_looks_and_shows_the_job(app: FastAPI, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(improving, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(
        improving, "run_command", lambda jobs, home, kind, title, *_, **__: jobs.start(kind, title, lambda _: None, lane="training")
    )
    with TestClient(app, base_url="http://127.0.0.1:8765", headers={"authorization": f"Bearer {app.state.context.token}"}) as client:
        assert client.put("/api/settings", json={"improve_after": 1}).json()["improve_after"] == 1
        stub.judge(1)
        end = time.monotonic() + 240
        while not (jobs := client.get("/api/jobs").json()):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert (jobs[-1]["kind"], jobs[-1]["title"]) == ("improve", "Improving by itself, after 1 judged batch of drafts")
