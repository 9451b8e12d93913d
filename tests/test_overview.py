"""What `status` says to type next: each step once the one before it is done."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import small_world
from notewright import datasets, drafting, feedback
from notewright.cli import main
from notewright.files import put
from notewright.importers import import_readwise
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.library.atwork import AtWork, alone, tell
from notewright.library.database import now
from notewright.models import bases, catalogue
from notewright.overview import ENOUGH, EXTRAS, TO_COMPARE, TO_TRAIN, Done, _installed, checkup, next_command, status
from notewright.pairing import pair
from notewright.records import Dataset, Model, Run
from notewright.reward.trust import RewardTrust, TrustReport
from notewright.settings import Settings, save_settings

FULL = {"highlights": 9, "notes": 9, "pairs": 9, "pairs_teaching": 9}


def after(root: Path, **done: Any) -> str:
    """What comes next where all was done but what is said otherwise."""
    return next_command(Settings(home=root, vault=root), Done(**{"counts": FULL, "rows": 9, **done}))


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ({"counts": {**FULL, "highlights": 0}}, "import readwise PATH"),
        ({"counts": {**FULL, "notes": 0}, "read": False}, "import vault"),
        ({"counts": {**FULL, "pairs": 0}, "paired": False}, "pair"),
        ({"pairs_old": True}, "pair"),
        ({"pairs_old": True, "trained": True, "fresh": ENOUGH}, "pair"),
        ({"rows": None}, "dataset sft"),
        ({"held_out": TO_COMPARE}, "improve"),
        ({"held_out": TO_COMPARE - 1}, "train sft"),  # nothing could be proven
        ({"trained": True}, "draft --source TITLE"),
    ],
)
def test_the_first_thing_that_is_missing_comes_next(tmp_path: Path, missing: dict[str, Any], command: str) -> None:
    assert after(tmp_path, **missing) == f"notewright {command}"


@pytest.mark.parametrize(
    "little",
    [
        {"counts": {**FULL, "pairs": 0, "pairs_teaching": 0}, "rows": None},
        {"counts": {**FULL, "notes": 0, "pairs": 0, "pairs_teaching": 0}, "rows": None, "paired": False},
        {"counts": {**FULL, "pairs_teaching": 7}, "rows": None},
        {"rows": 5},
    ],
)
def test_with_too_little_to_train_on_drafts_come_first(tmp_path: Path, little: dict[str, Any]) -> None:
    assert after(tmp_path, **little) == "notewright draft --source TITLE"
    assert after(tmp_path, **little, unranked="batch-1") == "notewright rank batch-1"


def test_a_draft_that_waits_comes_before_a_training(tmp_path: Path) -> None:
    assert after(tmp_path, unranked="batch-1") == "notewright rank batch-1"
    assert after(tmp_path, unranked="batch-1", rows=None) == "notewright rank batch-1"


def test_beside_an_improve_no_training_is_advised(tmp_path: Path) -> None:
    for done in ({"held_out": TO_COMPARE}, {"rows": None}, {"resume": ("notewright improve",)}, {"trained": True, "fresh": ENOUGH}):
        assert after(tmp_path, **done, improving=True) == "notewright draft --source TITLE"


def test_an_improve_that_is_at_work_is_told(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_settings(Settings(home=library.home))
    with alone(library.home):
        tell(library.home, AtWork("improve-1", "comparing the versions"))
        assert main(["status"]) == 0
        assert "improving now: comparing the versions\n" in capsys.readouterr().out
        tell(library.home, AtWork("improve-1", "comparing the versions", since=time.time() - 600, before=1200.0))
        assert main(["status"]) == 0
        assert "improving now: comparing the versions (10 min so far; the one before took 20 min)\n" in capsys.readouterr().out
        assert main(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["improving"]["id"] == "improve-1"
    assert main(["status"]) == 0
    assert "improving now" not in capsys.readouterr().out


def test_a_pairing_that_found_nothing_is_not_asked_for_again(library: Library, tmp_path: Path) -> None:
    settings = Settings(home=library.home, vault=tmp_path / "vault")
    tmp_path.joinpath("vault").mkdir()
    csv = tmp_path / "a.csv"
    csv.write_text("Highlight,Book Title\nThe river slows in every bend.,Rivers\n")
    import_readwise(library, path=csv)
    assert status(library, settings=settings).next == "notewright import vault"
    import_vault(library, settings=settings)
    assert status(library, settings=settings).next == "notewright draft --source Rivers"
    (tmp_path / "vault/Bread.md").write_text("# Bread\nFlour and water, and a night of waiting.\n")
    import_vault(library, settings=settings)
    assert status(library, settings=settings).next == "notewright pair"
    assert not pair(library).added
    assert status(library, settings=settings).next == "notewright draft --source Rivers"
    import_readwise(library, path=_book(tmp_path / "b.csv", "Salt, and Ice", 2))
    assert status(library, settings=settings).next == "notewright pair"
    pair(library)
    assert status(library, settings=settings).next == "notewright draft --source 'Salt, and Ice'"
    import_readwise(library, path=_book(tmp_path / "c.json", "Salt, and Ice", 3))
    pair(library)
    assert status(library, settings=settings).next == "notewright draft --source readwise:7 --chapter 'A Chapter'"


def _book(path: Path, title: str, number: int) -> Path:
    texts = [f"A quite unheard of thing, number {place} of {number}, {path.name}." for place in range(number)]
    if path.suffix == ".csv":
        path.write_text("Highlight,Book Title,Book Author\n" + "".join(f'"{text}","{title}",Ann\n' for text in texts))
        return path
    marks = [{"id": 1, "text": "A Chapter", "note": ".h1", "location": 1, "location_type": "order"}]
    marks += [{"id": place, "text": text, "location": place, "location_type": "order"} for place, text in enumerate(texts, 2)]
    path.write_text(json.dumps({"results": [{"user_book_id": 7, "title": title, "author": "Bo", "highlights": marks}]}))
    return path


def test_the_first_import_is_named_as_init_names_it(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exports = tmp_path / "my vault" / "Readwise"
    exports.mkdir(parents=True)
    (exports / "A.md").write_text("# A\n- Full Title: A\n- Category: #books\n\n## Highlights\n- One\n")
    assert main(["init", "--vault", str(tmp_path / "my vault")]) == main(["status"]) == 0
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: "))
    assert first == f"{second}   then   notewright import vault"
    assert second == f"Next: notewright import readwise '{exports}'"


def test_pairs_that_are_older_than_the_library_are_to_be_found_anew(library: Library, tmp_path: Path) -> None:
    settings = Settings(home=library.home, vault=tmp_path / "vault")
    tmp_path.joinpath("vault").mkdir()
    csv, said = tmp_path / "a.csv", "The river slows in every bend that it has made for itself."
    csv.write_text(f"Highlight,Book Title\n{said},Rivers\n")
    import_readwise(library, path=csv)
    (tmp_path / "vault/Rivers.md").write_text(f"# Rivers\n{said}\n")
    import_vault(library, settings=settings)
    assert pair(library).added == 1
    assert status(library, settings=settings).next == "notewright draft --source TITLE"
    (tmp_path / "vault/More.md").write_text(f"# Rivers\nWhat I learnt: {said}\n")
    import_vault(library, settings=settings)
    assert status(library, settings=settings).next == "notewright pair"
    assert pair(library).added == 1
    assert status(library, settings=settings).next == "notewright draft --source TITLE"


def test_a_dataset_of_what_was_removed_since_is_to_be_built_anew(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    small_world.base_model(library)
    library.pairs.propose(library.pairs.all(), rules="", read_at=library.pairs.changes())
    datasets.build(library, kind="sft", settings=world.settings)
    assert status(library, settings=world.settings).next != "notewright dataset sft"
    library.hidden.remove([library.sources.find("moss").id])
    assert status(library, settings=world.settings).next in ("notewright pair", "notewright dataset sft")
    library.db.connection.execute("UPDATE pairing SET paired_at = changes")
    assert status(library, settings=world.settings).next == "notewright dataset sft"


def test_another_vault_is_to_be_read_first(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    import_vault(library, settings=world.settings)
    assert status(library, settings=world.settings).next != "notewright import vault"
    other = tmp_path / "other"
    other.mkdir()
    assert status(library, settings=replace(world.settings, vault=other)).next == "notewright import vault"


def test_without_a_vault_that_comes_first(tmp_path: Path) -> None:
    assert next_command(Settings(home=tmp_path), Done(FULL, trained=True, fresh=99)).startswith("notewright init")


def test_what_an_improve_has_seen_or_was_taken_back_asks_for_no_rebuild(library: Library, tmp_path: Path) -> None:
    """It may have trained nothing, as where all choices are about what only measures, and would say that nothing is new."""
    world = small_world.build(library, tmp_path)
    import_vault(library, settings=world.settings)
    library.models.promote(library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now())).id, "test")
    state = library.home / "runs" / "improve-1" / "state.json"
    state.parent.mkdir(parents=True)

    def asked(*, event: int, finished: bool = True) -> bool:
        put(state, json.dumps({"started_at": now(), "event": event} | ({"finished_at": now()} if finished else {})))
        return status(library, settings=world.settings).next == "notewright improve"

    for number in range(ENOUGH):
        library.events.append("ranking", f"batch-{number}", {})
    last = library.events.last()
    assert asked(event=0)
    assert not asked(event=last)
    assert asked(event=last, finished=False)  # it can go on
    library.events.append("undo", str(last), {"events": [last], "kind": "ranking"})
    assert not asked(event=0)


def test_a_training_of_a_clock_that_was_ahead_hides_no_choices(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    pair(library)
    small_world.base_model(library)
    library.models.add(Model(library.models.new_id(), "b", "a", "policy", now()))
    library.runs.add(Run(library.runs.new_id(), "sft", "runs/x", "finished", "2999-01-01T00:00:00+00:00"))
    for number in range(ENOUGH):
        library.events.append("ranking", f"batch-{number}", {})
    assert status(library, settings=world.settings).next == "notewright improve"


def test_where_an_improve_could_prove_nothing_none_is_advised(library: Library, tmp_path: Path) -> None:
    """It would train for long and promote nothing, or find that no source is kept back."""
    world = small_world.build(library, tmp_path)
    import_vault(library, settings=world.settings)
    library.models.promote(library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now())).id, "test")
    for number in range(ENOUGH):
        library.events.append("ranking", f"batch-{number}", {})
    assert status(library, settings=world.settings).next == "notewright improve"
    pairs, counts = library.counts()["pairs_teaching"], {"train": 9, "valid": 2, "test": 3}
    for seen, command in ((pairs, "draft --source TITLE"), (pairs - 1, "improve")):  # what came since may be of further sources
        manifest = {"counts": counts, "parents": {"pairs": seen}}
        library.datasets.add(Dataset(library.datasets.new_id(), "sft", "datasets/x", now(), manifest))
        assert status(library, settings=world.settings).next == f"notewright {command}"


def test_enough_new_choices_ask_for_a_rebuild_and_a_training_settles_it(library: Library, tmp_path: Path) -> None:
    settings = Settings(home=library.home, vault=tmp_path)
    for number in range(ENOUGH):
        assert library.events.count("ranking", "edit") == number
        library.events.append("ranking", f"batch-{number}", {})
    fresh = library.events.count("ranking", "edit", since="")
    assert after(tmp_path, trained=True, fresh=fresh) == "notewright improve"
    library.runs.add(Run(library.runs.new_id(), "sft", "runs/x", "finished", now()))
    learnt = library.runs.all()[0].created_at
    assert library.events.count("ranking", "edit", since=learnt) == 0
    assert status(library, settings=settings).next.startswith("notewright import readwise")


def test_a_training_whose_worker_is_gone_is_not_said_to_run(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    for method in ("dpo", "sft", "sft"):
        run_id = library.runs.new_id()
        library.runs.add(Run(run_id, method, f"runs/{run_id}", "running", now()))
    improvement = library.home / "runs" / "improve-1"
    improvement.mkdir()
    (improvement / "state.json").write_text(json.dumps({"started_at": now(), "sft_run": "run-3"}))
    alive = library.home / "runs" / "run-2"
    alive.mkdir()
    program = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", "notewright.training.worker", str(alive)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        worker.stdout.readline()
        (alive / "worker.pid").write_text(str(worker.pid))
        assert main(["runs"]) == 0
        assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()] == ["status", "interrupted", "running", "interrupted"]
        assert main(["status"]) == 0
        told = capsys.readouterr().out
        worker.kill()
    assert "unfinished: run-1 (go on with: notewright train dpo --resume run-1)" in told
    assert "in training: run-2 " in told
    assert "notewright train" not in told.partition("Next: ")[2]
    assert "unfinished: run-3 (go on with: notewright improve)" in told
    assert main(["runs", "show", "run-2"]) == 0
    assert "interrupted" in capsys.readouterr().out
    (improvement / "state.json").write_text(json.dumps({"started_at": now(), "sft_run": "run-3", "finished_at": now()}))
    assert main(["status"]) == 0
    assert "(go on with: notewright train sft --resume run-3)" in capsys.readouterr().out


def test_what_goes_on_with_a_training_comes_before_a_new_one(tmp_path: Path) -> None:
    resume = ("notewright train ditto --resume run-4",)
    assert after(tmp_path, resume=resume) == resume[0]


def test_while_a_training_goes_on_no_other_is_named(tmp_path: Path) -> None:
    assert after(tmp_path, training="run-7") == "notewright runs show run-7"
    assert after(tmp_path, training="run-7", trained=True, fresh=99).startswith("notewright draft")
    assert after(tmp_path, training="run-7", trained=True, fresh=99, unranked="batch-1") == "notewright rank batch-1"


def test_the_first_training_is_compared_where_enough_is_held_out(library: Library, tmp_path: Path) -> None:
    from notewright.loop.decide import FEWEST
    from notewright.training.recipes import MINIMUM_ROWS

    assert (FEWEST, MINIMUM_ROWS["sft"]) == (TO_COMPARE, TO_TRAIN)
    world = small_world.build(library, tmp_path)
    for valid, command in ((3, "improve"), (2, "train sft")):
        counts = {"train": 9, "valid": valid, "test": 3}
        library.datasets.add(Dataset(library.datasets.new_id(), "sft", "datasets/x", now(), {"counts": counts}))
        assert status(library, settings=world.settings).next == f"notewright {command}"


def test_a_single_draft_is_not_to_be_ranked(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    small_world.base_model(library)
    library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
    with library.db.write():
        library.datasets.add(Dataset(library.datasets.new_id(), "sft", "datasets/x", now()))
    for n, expected in ((1, "notewright draft --source"), (2, "notewright rank batch-2")):
        engine = small_world.ScriptedEngine(small_world.numbered)
        drafting.draft(library, settings=world.settings, source="rivers", chapter="Beginnings", n=n, written=n, engine=engine, examples=0)
        assert status(library, settings=world.settings).next.startswith(expected)


def test_a_batch_that_was_accepted_from_or_turned_down_does_not_wait_for_a_ranking(library: Library, tmp_path: Path) -> None:
    world = small_world.build(library, tmp_path)
    small_world.base_model(library)
    engine = small_world.ScriptedEngine(small_world.numbered)
    for chapter, accept in zip(small_world.CHAPTERS, (True, False), strict=True):
        first, *_ = drafting.draft(library, settings=world.settings, source="rivers", chapter=chapter, n=3, engine=engine, examples=0)
        assert status(library, settings=world.settings).next == f"notewright rank {first.batch_id}"
        if accept:
            feedback.accept(library, settings=world.settings, draft_id=first.id, into="New.md")
        else:
            feedback.decide(library, batch_id=first.batch_id, decision="reject_all")
        assert "rank" not in status(library, settings=world.settings).next


def test_notes_that_were_not_read_yet_are_told_with_the_command(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Bread.md").write_text("# Bread\nFlour and water.\n")
    settings = Settings(home=library.home, vault=vault)
    save_settings(settings)
    import_vault(library, settings=settings)
    assert main(["status"]) == 0
    assert "since they were read" not in capsys.readouterr().out
    (vault / "Rye.md").write_text("# Rye\nRye and water.\n")
    assert main(["status"]) == 0
    assert "1 note, 1 passage; since they were read: 1 new (read them: notewright import vault)\n" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unread"] == {"new": 1, "changed": 0, "gone": 0}


def test_status_loads_neither_vault_nor_rewards(library: Library) -> None:
    """They take longer than all the rest of the command; here no vault is set that could be compared with what was read."""
    program = (
        "import sys; from notewright.cli import main; main(['status'])\n"
        "print([name for name in sys.modules if name in ('notewright.vault', 'notewright.reward', 'numpy')])"
    )
    environment = os.environ | {"NOTEWRIGHT_HOME": str(library.home)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_rewards_may_do_is_told_as_last_judged(library: Library, tmp_path: Path) -> None:
    settings = Settings(home=library.home, vault=tmp_path)
    assert set(status(library, settings=settings).trust.values()) == {"nothing"}
    report = TrustReport(now(), 0, "", (RewardTrust("taste", 12, 0.8, 0.6, 0.9, "order"),))
    library.db.set_state("trust", json.dumps(asdict(report)))
    assert status(library, settings=settings).trust["taste"] == "order"
    assert library.trust()["combination"] == "nothing"


def test_trust_that_was_earned_before_an_undo_is_told_as_such(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(library.home))
    said = library.events.append("comment", "draft-1", {"comment": "Good."})
    report = TrustReport(now(), said.id, "", (RewardTrust("taste", 12, 0.8, 0.6, 0.9, "order"),))
    library.db.set_state("trust", json.dumps(asdict(report)))
    assert main(["status"]) == 0
    assert "rewards     taste may order what is shown\n" in capsys.readouterr().out
    feedback.undo(library)
    assert main(["status"]) == 0
    assert "taste may order what is shown; measured before your latest judgements (again: notewright reward)" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trust_is_old"] is True


def test_a_base_model_that_is_nowhere_is_a_problem(tmp_path: Path) -> None:
    assert any("There is no base model 'nope'" in problem for problem in checkup(Settings(home=tmp_path, base_model="nope")).problems)


def test_a_bigger_base_is_one_that_is_bigger_than_that_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smallest = catalogue.CATALOGUE[0]
    parameters = smallest.parameters
    monkeypatch.setattr(catalogue, "recommend", lambda *_, **__: smallest)
    settings = Settings(home=tmp_path / "home")
    assert smallest.id in checkup(settings).findings["bigger base"]
    monkeypatch.setattr(bases, "parameter_count", lambda *_: parameters)
    assert "bigger base" not in checkup(settings).findings


def test_the_server_that_writes_is_asked_whether_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, engine_url="http://127.0.0.1:9/v1", engine_model="mine")
    assert any("http://127.0.0.1:9/v1 does not answer" in problem for problem in checkup(settings).problems)
    monkeypatch.setattr("notewright.models.remote.RemoteEngine.models", lambda _: ["mine", "yours"])
    found = checkup(settings)
    assert found.findings["engine"] == "http://127.0.0.1:9/v1, which offers mine, yours"
    assert not any("127.0.0.1:9" in problem for problem in found.problems)


def test_a_library_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_text("this is no database, however long one looks at it")
    found = checkup(Settings(home=tmp_path))
    assert any("not a notewright library" in problem for problem in found.problems)


def test_every_optional_extra_is_told_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    monkeypatch.setattr("notewright.overview._installed", lambda _: False)
    main(["doctor"])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("not installed: ")]
    assert set(re.findall(r"notewright\[(\w+)\]", "\n".join(told))) == extras.keys() - {"dev"}


def test_a_module_in_a_package_that_is_not_there_is_not_installed_either() -> None:
    assert _installed("importlib.util")
    assert not _installed("nowhere.at_all")
    assert all("." not in name or name.startswith("google.") for name in EXTRAS), "looking for one imports the packages above it"


@pytest.mark.parametrize(
    ("base", "revision", "adapter", "said"),
    [
        ("seedling", "of-before", "", "another seedling"),
        ("seedling", "", "models/two", "are gone"),
        ("seedling", "", "", "is damaged"),
        ("/nowhere/base", "x", "", "is gone"),
    ],
)
def test_a_current_version_that_cannot_write_is_a_problem(library: Library, base: str, revision: str, adapter: str, said: str) -> None:
    library.models.add(Model("model-1", base, adapter or "models/one", "policy", now(), revision=revision))
    if not adapter:
        folder = library.home / "models" / "one"
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").touch()
    library.models.promote("model-1", "trained")
    problem = next(problem for problem in checkup(Settings(home=library.home)).problems if problem.startswith("model-1 cannot write"))
    assert said in problem
    assert "notewright models" in problem or "notewright train" in problem


def test_a_library_that_is_gone_from_among_its_trainings_is_no_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "status"]) == 0
    (tmp_path / "runs" / "run-1").mkdir(parents=True)
    assert any("no library.db" in problem for problem in checkup(Settings(home=tmp_path)).problems)
    assert main(["--home", str(tmp_path), "status"]) == 1
    assert "your-data.md" in capsys.readouterr().err
