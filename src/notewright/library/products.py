"""What the stages made: datasets, runs, models (with promotions) and drafts. The bulk lies in folders; here are the rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import NotFound
from ..records import Dataset, Draft, Finding, Model, Run
from .database import SEEN, Database, now, to_json

CHOSEN, ROLLBACK = "chosen", "rollback"  # why the person made a version current
BETTER = "better on held-out work"  # how the reason begins where `improve` did
TRAINED = "trained by "  # and where a training did
LEARNT = (BETTER, TRAINED)
PROMPTING = "examples"  # among a version's metrics: whether it writes with examples in its prompts (None or absent: nobody has proven it)
ASKED = "asked_at"  # and of when the held-out work is that has proven it


class DatasetStore:
    """Frozen folders. Paths inside the home are kept relative to it, so that a home can be moved; records carry whole paths."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, dataset: Dataset) -> Dataset:
        home, path = self._db.path.parent, Path(dataset.path)
        stored = path.relative_to(home).as_posix() if path.is_relative_to(home) else dataset.path
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO datasets VALUES (?, ?, ?, ?, ?)",
                (dataset.id, dataset.kind, stored, dataset.created_at, to_json(dataset.manifest)),
            )
        return dataset

    def new_id(self) -> str:
        with self._db.write():
            return self._db.next_id("dataset", folder="datasets")

    def all(self, kind: str = "") -> list[Dataset]:
        """Oldest first."""
        where, parameters = (" WHERE kind=?", (kind,)) if kind else ("", ())
        rows = self._db.rows(f"SELECT * FROM datasets{where} ORDER BY rowid", parameters)
        return list(map(self._dataset, rows))

    def get(self, dataset_id: str) -> Dataset:
        row = self._db.row("SELECT * FROM datasets WHERE id=?", (dataset_id,))
        if row is None:
            raise NotFound(f"No dataset has the id {dataset_id!r}.", "List them with: notewright dataset list")
        return self._dataset(row)

    def _dataset(self, row: sqlite3.Row) -> Dataset:
        path = self._db.path.parent / row["path"]
        return Dataset(row["id"], row["kind"], str(path), row["created_at"], json.loads(row["manifest"]))


class RunStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, run: Run) -> Run:
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.id, run.method, run.path, run.status, run.created_at, run.dataset_id, run.parent_model_id, to_json(run.recipe),
                    to_json(run.metrics),
                ),
            )  # fmt: skip
        return run

    def new_id(self) -> str:
        with self._db.write():
            return self._db.next_id("run", folder="runs")

    def update(self, run_id: str, *, status: str = "", metrics: Mapping[str, object] | None = None) -> Run:
        """Set what is given; metrics are merged into the ones already there."""
        with self._db.write() as connection:
            run = self.get(run_id)
            merged = {**run.metrics, **(metrics or {})}
            connection.execute("UPDATE runs SET status=?, metrics=? WHERE id=?", (status or run.status, to_json(merged), run_id))
        return self.get(run_id)

    def all(self) -> list[Run]:
        return [_run(row) for row in self._db.rows("SELECT * FROM runs ORDER BY rowid")]

    def get(self, run_id: str) -> Run:
        row = self._db.row("SELECT * FROM runs WHERE id=?", (run_id,))
        if row is None:
            raise NotFound(f"No run has the id {run_id!r}.", "List them with: notewright runs")
        return _run(row)


class ModelStore:
    """Registered versions. The current one is the last promotion; rollback promotes the one before it, as it was prompted."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, model: Model) -> Model:
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    model.id, model.base, model.revision, model.adapter_path, model.role, model.created_at, model.run_id, model.parent_id,
                    model.dataset_id, to_json(model.recipe), to_json(model.metrics),
                ),
            )  # fmt: skip
        return model

    def new_id(self) -> str:
        with self._db.write():
            return self._db.next_id("model", folder="models")

    def set_metrics(self, model_id: str, metrics: Mapping[str, object]) -> Model:
        """Merge evaluation results into the model's row."""
        with self._db.write() as connection:
            merged = {**self.get(model_id).metrics, **metrics}
            connection.execute("UPDATE models SET metrics=? WHERE id=?", (to_json(merged), model_id))
        return self.get(model_id)

    def set_base(self, before: tuple[str, str], after: tuple[str, str]) -> None:
        """Give all versions of one base and revision another name or revision of it."""
        with self._db.write() as connection:
            connection.execute("UPDATE models SET base=?, revision=? WHERE base=? AND revision=?", (*after, *before))

    def all(self, role: str = "") -> list[Model]:
        """Oldest first."""
        where, parameters = (" WHERE role=?", (role,)) if role else ("", ())
        return [_model(row) for row in self._db.rows(f"SELECT * FROM models{where} ORDER BY rowid", parameters)]

    def with_metric(self, name: str) -> list[Model]:
        """Those that have it (None is none), oldest first: of thousands few are parsed."""
        rows = self._db.rows("SELECT * FROM models WHERE instr(metrics, ?) ORDER BY rowid", (to_json(name),))
        return [model for row in rows if (model := _model(row)).metrics.get(name) is not None]

    def get(self, model_id: str) -> Model:
        row = self._db.row("SELECT * FROM models WHERE id=?", (model_id,))
        if row is None:
            raise NotFound(f"No model has the id {model_id!r}.", "List them with: notewright models list")
        return _model(row)

    def promote(self, model_id: str, reason: str, *, examples: bool | None = None, asked_at: str = "") -> Model:
        """Make a model the current one; where `examples` is told, it writes with them in its prompts from now on, or without, as held-out
        work of `asked_at` has proven."""
        proven: dict[str, object] = {} if examples is None else {PROMPTING: examples}
        return self._promote(model_id, reason, proven | ({ASKED: asked_at} if asked_at else {}))

    def _promote(self, model_id: str, reason: str, prompting: Mapping[str, object]) -> Model:
        with self._db.write() as connection:
            model = self.get(model_id)
            if any(model.metrics.get(name) != value for name, value in prompting.items()):
                model = self.set_metrics(model_id, prompting)
            connection.execute(
                "INSERT INTO promotions (model_id, at, reason, prompting) VALUES (?, ?, ?, ?)",
                (model_id, now(), reason, to_json({name: model.metrics.get(name) for name in (PROMPTING, ASKED)})),
            )
        return model

    def promotions(self) -> list[tuple[str, str, str]]:
        """(model id, when, why), oldest first."""
        rows = self._db.rows("SELECT model_id, at, reason FROM promotions ORDER BY id")
        return [(row["model_id"], row["at"], row["reason"]) for row in rows]

    def current(self) -> Model | None:
        row = self._db.row("SELECT model_id FROM promotions ORDER BY id DESC LIMIT 1")
        return self.get(row["model_id"]) if row else None

    def standing(self) -> list[str]:
        """Ids of the versions that repeated rollbacks walk back through, the current one last; one twice where its prompting changed."""
        return [model_id for model_id, _ in self._standing()]

    def _standing(self) -> list[tuple[str, dict[str, object]]]:
        stack: list[tuple[str, dict[str, object]]] = []  # no way of prompting: promoted before that was kept
        for row in self._db.rows("SELECT model_id, reason, prompting FROM promotions ORDER BY id"):
            entry = (row["model_id"], json.loads(row["prompting"] or "{}"))
            if row["reason"] == ROLLBACK:
                stack.pop()
            elif not stack or stack[-1][0] != entry[0] or (stack[-1][1] and entry[1] and stack[-1][1][PROMPTING] != entry[1][PROMPTING]):
                stack.append(entry)
            elif entry[1]:
                stack[-1] = entry
        return stack

    def went_back_from(self) -> list[tuple[str, bool | None]]:
        """The versions that the person went back from and that were not current again since: with whether they had examples in their
        prompts where only that was taken back, with None where the version was.

        A rollback goes back, and so does who chooses a version that was current before, or an older one, in the place of what the program
        made current: from all of that which came after it, until the last of these is chosen again. What the person alone had made
        current was only tried.
        """
        age = {row["id"]: row["rowid"] for row in self._db.rows("SELECT rowid, id FROM models")}
        left: dict[tuple[str, bool | None], int] = {}  # and at which promotion
        line: list[str] = []  # versions each of which came after the one before it, the current one last
        learnt: set[str] = set()  # those that the program made current
        before: tuple[str, bool | None] = ("", None)
        for row in self._db.rows("SELECT id, model_id, reason, prompting FROM promotions ORDER BY id"):
            version, reason = row["model_id"], row["reason"]
            after = (version, json.loads(row["prompting"] or "{}").get(PROMPTING))
            act = left.pop((version, None), None)
            left.pop(after, None)
            if act is not None:
                left = {way: at for way, at in left.items() if at != act or age[way[0]] > age[version]}
            if reason in (CHOSEN, ROLLBACK):
                came_after = line[line.index(version) :] if version in line else [each for each in line if age[each] > age[version]]
                line = [each for each in line if each not in came_after]
                if reason == ROLLBACK:
                    left[before if before[0] == version else (before[0], None)] = row["id"]
                else:
                    left |= {(each, None): row["id"] for each in came_after if each in learnt and each != version}
            elif reason.startswith(LEARNT):
                learnt.add(version)
            line = [*(each for each in line if each != version), version]
            before = after
        return list(left)

    def rollback(self) -> Model:
        """Promote what was current before, prompted as it then was; repeated rollbacks walk further back."""
        stack = self._standing()
        if len(stack) < 2:
            raise NotFound("There is no earlier version to go back to.", "See them with: notewright models list")
        model_id, prompting = stack[-2]
        return self._promote(model_id, ROLLBACK, prompting)


class DraftStore:
    def __init__(self, db: Database) -> None:
        self._db = db

    def new_batch(self, *, unseen: bool = False) -> str:
        """`unseen`: it is prepared ahead of need, and no list of batches has it before somebody has `seen` or judged it."""
        with self._db.write() as connection:
            batch_id = self._db.next_id("batch")
            if unseen:
                connection.execute("INSERT INTO unseen (batch_id) VALUES (?)", (batch_id,))
            return batch_id

    def seen(self, batch_id: str) -> None:
        """Somebody looks at the batch. Raises NotFound where there is none."""
        self.batch(batch_id)
        if self._db.row("SELECT 1 FROM unseen WHERE batch_id=?", (batch_id,)):
            with self._db.write() as connection:
                connection.execute("DELETE FROM unseen WHERE batch_id=?", (batch_id,))

    def add(self, drafts: Iterable[Draft]) -> list[Draft]:
        """Store drafts, giving each that has no id the next one."""
        stored = []
        with self._db.write() as connection:
            for draft in drafts:
                draft_id = draft.id or self._db.next_id("draft")
                connection.execute(
                    "INSERT INTO drafts (id, batch_id, source_id, chapter, model_id, text, position, seed, created_at, messages, sampling,"
                    " problems, highlight_ids, findings, shown) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        draft_id, draft.batch_id, draft.source_id, draft.chapter, draft.model_id, draft.text, draft.position, draft.seed,
                        draft.created_at, to_json(draft.messages), to_json(draft.sampling), to_json(draft.problems),
                        to_json(draft.highlight_ids), to_json([asdict(finding) for finding in draft.findings]), draft.shown,
                    ),
                )  # fmt: skip
                stored.append(self.get(draft_id))
        return stored

    def get(self, draft_id: str) -> Draft:
        row = self._db.row("SELECT * FROM drafts WHERE id=?", (draft_id,))
        if row is None:
            raise NotFound(f"No draft has the id {draft_id!r}.", "List them with: notewright drafts")
        return _draft(row)

    def batch(self, batch_id: str, *, unshown: bool = False) -> list[Draft]:
        """The drafts that were shown side by side; with `unshown` also those that were written and held back, after them."""
        rows = self._db.rows("SELECT * FROM drafts WHERE batch_id=? AND shown>=? ORDER BY position", (batch_id, not unshown))
        if not rows:
            raise NotFound(f"No batch of drafts has the id {batch_id!r}.", "Write one with: notewright draft --source TITLE")
        return [_draft(row) for row in rows]

    def batches(self, batch_ids: Iterable[str]) -> dict[str, list[Draft]]:
        """The shown drafts of many batches; unknown batches are left out, and those about a source that the person removed."""
        found: dict[str, list[Draft]] = {}
        wanted = list(batch_ids)
        for first in range(0, len(wanted), 500):  # SQLite limits the parameters of one statement
            some = wanted[first : first + 500]
            query = f"SELECT * FROM live_drafts WHERE shown AND batch_id IN ({','.join('?' * len(some))}) ORDER BY batch_id, position"
            for row in self._db.rows(query, some):
                found.setdefault(row["batch_id"], []).append(_draft(row))
        return found

    def highlights(self, batch_ids: Iterable[str]) -> frozenset[str]:
        """The highlights from which the shown drafts of these batches were written."""
        query = "SELECT DISTINCT highlight_ids FROM drafts WHERE shown AND batch_id IN (SELECT value FROM json_each(?))"
        rows = self._db.rows(query, (json.dumps(list(batch_ids)),))
        return frozenset(highlight_id for row in rows for highlight_id in json.loads(row["highlight_ids"]))

    def times(self) -> dict[str, str]:
        """When each batch was written."""
        return {row["batch_id"]: row["at"] for row in self._db.rows("SELECT batch_id, min(created_at) AS at FROM drafts GROUP BY batch_id")}

    def written_from(self, chosen: Iterable[tuple[str, ...]], *, after: int, limit: int) -> list[Draft]:
        """The first drafts of any of these choices of highlights, stored after a place that `place_of_last` gave; held back ones too."""
        query = "SELECT * FROM live_drafts WHERE place>? AND highlight_ids IN (SELECT value FROM json_each(?)) ORDER BY place LIMIT ?"
        return [_draft(row) for row in self._db.rows(query, (after, to_json([to_json(ids) for ids in chosen]), limit))]

    def place_of_last(self) -> int:
        row = self._db.row("SELECT max(rowid) AS last FROM drafts")
        return int(row["last"] or 0) if row else 0

    def all(self, *, unshown: bool = False, unseen: bool = True, include_removed: bool = False) -> list[Draft]:
        """Oldest first; held back ones only with `unshown`, and without `unseen` none that was prepared ahead and nobody has looked at;
        those about sources that the person removed only with `include_removed`."""
        table = "drafts" if include_removed else "live_drafts"
        seen = "" if unseen else f" AND {SEEN}"
        rows = self._db.rows(f"SELECT * FROM {table} WHERE shown>=?{seen} ORDER BY created_at, batch_id, position", (not unshown,))
        return [_draft(row) for row in rows]


def _run(row: sqlite3.Row) -> Run:
    return Run(
        id=row["id"], method=row["method"], path=row["path"], status=row["status"], created_at=row["created_at"],
        dataset_id=row["dataset_id"], parent_model_id=row["parent_model_id"], recipe=json.loads(row["recipe"]),
        metrics=json.loads(row["metrics"]),
    )  # fmt: skip


def _model(row: sqlite3.Row) -> Model:
    return Model(
        id=row["id"], base=row["base"], adapter_path=row["adapter_path"], role=row["role"], created_at=row["created_at"],
        run_id=row["run_id"], parent_id=row["parent_id"], dataset_id=row["dataset_id"], revision=row["revision"],
        recipe=json.loads(row["recipe"]), metrics=json.loads(row["metrics"]),
    )  # fmt: skip


def _draft(row: sqlite3.Row) -> Draft:
    return Draft(
        id=row["id"], batch_id=row["batch_id"], source_id=row["source_id"], chapter=row["chapter"], model_id=row["model_id"],
        text=row["text"], position=row["position"], seed=row["seed"], created_at=row["created_at"],
        messages=_messages(row["messages"]), sampling=json.loads(row["sampling"]), problems=tuple(_listed(row["problems"])),
        highlight_ids=_ids(row["highlight_ids"]),
        findings=tuple(Finding(**finding) for finding in _listed(row["findings"])),
        shown=bool(row["shown"]),
    )  # fmt: skip


def _listed(told: str) -> list[Any]:
    return [] if told == "[]" else list(json.loads(told))


@lru_cache(maxsize=8)  # the drafts of a batch follow each other, and have the same ones
def _messages(told: str) -> tuple[dict[str, str], ...]:
    return tuple(json.loads(told))


@lru_cache(maxsize=8)
def _ids(told: str) -> tuple[str, ...]:
    return tuple(json.loads(told))
