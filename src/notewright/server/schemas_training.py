"""What goes over the wire about models, datasets, trainings and jobs; the rest is in `schemas`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from ..models import registry
from .schemas import In, Out, Problem, Short

if TYPE_CHECKING:
    from ..records import Model
    from .jobs import Job


class DistancesOut(Out):
    """Edit distances to held-out passages; null where not measured so."""

    without_examples: float | None = None
    with_examples: float | None = Field(default=None, description="With examples of the person's own notes in the prompts")


class ModelOut(Out):
    id: str
    base: str
    revision: str
    role: str
    created_at: str
    run_id: str
    parent_id: str
    dataset_id: str
    metrics: dict[str, Any]
    distances: DistancesOut

    @classmethod
    def of(cls, record: object, **more: object) -> Self:
        model: Model = record  # type: ignore[assignment]
        return super().of(model, distances=registry.distances(model), **more)


class Promotion(Out):
    model_id: str
    at: str
    reason: str


class StandingOut(Out):
    version: str
    batches: int = Field(description="Judged batches that it wrote alone")
    cost: float | None = Field(description="Mean share of words changed in them, 1 where nothing was usable")
    chance: float = Field(description="That it writes the next batch that is no duel")


class WinRateOut(Out):
    first: str
    second: str
    duels: int
    rate: float = Field(description="How often the first one was preferred, ties as halves")
    low: float = Field(description="90 % interval that holds however often one looks")
    high: float


class DriftOut(Out):
    what: Literal["edit cost", "surprise"]
    event: int
    at: str
    before: float
    after: float


class OnlineOut(Out):
    standings: list[StandingOut]
    win_rates: list[WinRateOut]
    drift: DriftOut | None = Field(description="The newest change of the person; what was before counts less")
    duels: float = Field(description="Share of the drafts that are blind duels now")


class ModelPage(Out):
    current: str
    models: list[ModelOut]
    promotions: list[Promotion]
    online: OnlineOut


class ModelDetail(Out):
    model: ModelOut
    current: bool
    parents: list[str]
    recipe: dict[str, Any]
    promotions: list[Promotion]


class VersionDiffIn(In):
    before: Short
    after: Short
    source: Short = Field(default="", description="A source's id or title; empty: held-out passages")
    chapter: Short | None = Field(default=None, description="One of the `source`, which has to be named then; empty: what has none")
    limit: int = Field(default=3, ge=1, le=20, description="How many held-out passages")
    max_new_tokens: int | None = Field(default=None, ge=1, le=8192, description="null: what the highlights ask for")


class BesideOut(Out):
    source_id: str
    source_title: str
    chapter: str
    note_path: str
    highlight_ids: list[str]
    passage: str = Field(description="The person's own; empty for highlights without a note yet")
    before: str
    after: str
    between: float = Field(description="Edit distance of the two drafts")
    before_distance: float | None = Field(description="Edit distance from the person's passage")
    after_distance: float | None


class VersionDiffOut(Out):
    before: str
    after: str
    items: list[BesideOut]


class RunOut(Out):
    id: str
    method: str
    status: str
    created_at: str
    dataset_id: str
    parent_model_id: str
    recipe: dict[str, Any]
    metrics: dict[str, Any]


class RunProgress(Out):
    run: RunOut
    alive: bool
    stopping: bool = Field(description="It was asked to stop, by whoever, and has not ended yet")
    next: int = Field(description="Pass it as `after` to get what comes later")
    events: list[dict[str, Any]]


class LogOut(Out):
    text: str


class RunIn(In):
    method: Short
    base: Short = ""
    dataset_id: Short = Field(default="", description="Empty: one that is built now; the newest, where that would be the same")
    effort: Literal["quick", "normal", "thorough"] = "normal"
    overrides: dict[Short, str | int | float | bool] = Field(default={}, max_length=100)
    promote: bool = True
    force: bool = False


class EvaluateIn(In):
    dataset_id: Short = ""
    limit: int | None = Field(default=None, ge=1, le=100_000)


class ImproveIn(In):
    effort: Literal["quick", "normal", "thorough"] = "normal"
    fresh: bool = Field(default=False, description="Begin anew although an unfinished one could go on, or nothing is new")


class TriedOut(Out):
    label: str
    model_id: str
    distance: float = Field(description="On the passages held out, from the person's own")
    change: float = Field(description="Of the distance, beside the version that was current; less than 0: nearer")
    low: float = Field(description="90 % interval of the change")
    high: float
    objections: list[str] = Field(description="Why it may not write; none: it may")


class ReportedOut(Out):
    id: str
    finished_at: str
    verdict: str = Field(description="In a sentence; empty for one of an earlier version of notewright")


class ImprovedOut(Out):
    """What an `improve` came to."""

    id: str = Field(description="Its report is at /api/improve/reports/{id}")
    verdict: str = Field(description="In a sentence")
    current: str = Field(description="The version that writes from then on")
    promoted: str = Field(description="The same where it is a new one, or writes in another way; empty where all stayed as it was")
    reason: str
    page: str = Field(description="The report's file")
    tried: list[TriedOut]
    skipped: list[str] = Field(description="What was left out, and why")
    ignored: list[str] = Field(description="Options that had to wait, as one that was stopped went on")

    @classmethod
    def read(cls, text: str) -> Self:
        """From what `notewright improve --json` prints."""
        report = json.loads(text)
        tried = [
            {**verdict["contender"], **verdict["comparison"], "objections": verdict["objections"],
             "distance": verdict["comparison"]["after"], "change": verdict["comparison"]["difference"]}
            for verdict in report["decision"]["verdicts"]
        ]  # fmt: skip
        return cls.model_validate({**report, "current": report["promoted"] or report["current"], "tried": tried})


class JobOut(Out):
    id: str
    kind: str
    title: str
    state: Literal["waiting", "running", "done", "failed", "stopped"]
    done: int | None
    total: int | None
    text: str
    run_id: str
    started_at: str
    ended_at: str
    can_stop: bool
    stopping: bool = Field(description="It was asked to stop, and has not ended yet")
    problem: Problem | None
    improved: ImprovedOut | None = Field(description="Of an improve that came to its end")
    result: Any = Field(description="Of every other job that did, or was stopped")

    @classmethod
    def of(cls, record: object, **more: object) -> Self:
        job: Job = record  # type: ignore[assignment]
        problem = None
        if job.problem:
            problems = list(getattr(job.problem, "problems", ()))
            problem = Problem(message=job.problem.message, hint=job.problem.hint, problems=problems)
        names = ("id", "kind", "title", "state", "done", "total", "text", "run_id", "started_at", "ended_at", "can_stop")
        given = {name: getattr(job, name) for name in names}
        place = "improved" if isinstance(job.result, ImprovedOut) else "result"
        given |= {"improved": None, "result": None, place: job.result}
        return cls(**given, stopping=job.stopping.is_set() and not job.ended_at, problem=problem)


class DatasetOut(Out):
    id: str
    kind: str
    created_at: str
    manifest: dict[str, Any]


class DatasetIn(In):
    kind: Literal["sft", "preference", "edits", "labels"]
