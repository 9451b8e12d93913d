"""Datasets, trainings, measurements, and the jobs that follow them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from ... import datasets, loop, overview, training
from ...errors import Invalid
from ...library import Library
from ...library.atwork import at_work
from ...records import Run
from .. import improving
from ..context import Here, Opened
from ..gate import SANDBOX
from ..jobs import Job, run_command
from ..problems import make_router
from ..schemas_overview import ImprovingOut
from ..schemas_training import DatasetIn, DatasetOut, EvaluateIn, ImproveIn, JobOut, LogOut, ReportedOut, RunIn, RunOut, RunProgress

BEGIN = 20.0  # seconds in which a training says whether it can begin
router = make_router("training")


@router.get("/datasets", operation_id="listDatasets")
def list_datasets(library: Opened, kind: Literal["", "sft", "preference", "edits", "labels"] = "") -> list[DatasetOut]:
    """Frozen training data, oldest first."""
    return [DatasetOut.of(item) for item in library.datasets.all(kind)]


@router.get("/datasets/{dataset_id}", operation_id="getDataset")
def get_dataset(library: Opened, dataset_id: str) -> DatasetOut:
    return DatasetOut.of(library.datasets.get(dataset_id))


@router.post("/datasets", operation_id="buildDataset", status_code=202)
def build_dataset(here: Here, wish: DatasetIn) -> JobOut:
    """Freeze training data: from pairs (sft), choices (preference), edits, or single verdicts (labels)."""

    def work(_: Job) -> object:
        with here.open_library() as library:
            return datasets.build(library, kind=wish.kind, settings=here.settings)

    return JobOut.of(here.jobs.start("dataset", f"Building {wish.kind} data", work))


@router.get("/runs", operation_id="listRuns")
def list_runs(library: Opened) -> list[RunOut]:
    """Trainings, oldest first."""
    return [RunOut.of(item) for item in overview.trainings(library)]


@router.get("/runs/{run_id}", operation_id="getRun")
def get_run(library: Opened, run_id: str) -> RunOut:
    overview.trainings(library)
    return RunOut.of(library.runs.get(run_id))


@router.get("/runs/{run_id}/progress", operation_id="getRunProgress")
def get_progress(library: Opened, run_id: str, after: Annotated[int, Query(ge=0, le=10**9)] = 0) -> RunProgress:
    """A training's events (step, loss, tokens a second, ...) from number `after` on; new ones also come over /api/events."""
    overview.trainings(library)
    run = library.runs.get(run_id)
    events = training.read_progress(library, run_id, after=after)
    alive, stopping = training.is_alive(library, run_id), training.is_stopping(library, run_id)
    return RunProgress(run=RunOut.of(run), alive=alive, stopping=stopping, next=after + len(events), events=events)


@router.get("/runs/{run_id}/log", operation_id="getRunLog")
def get_log(library: Opened, run_id: str, lines: Annotated[int, Query(ge=1, le=5000)] = 200) -> LogOut:
    """The last lines of what the libraries printed."""
    return LogOut(text=training.read_log(library, run_id, lines=lines))


@router.post("/runs", operation_id="startRun", status_code=202)
async def start_run(here: Here, wish: RunIn) -> JobOut:
    """Train in a process of its own. Answered once it has begun; what forbids it (too few rows, too little memory) is told at once."""
    if wish.method not in training.METHODS:
        raise Invalid(f"There is no training method {wish.method!r}.", f"Methods: {', '.join(training.METHODS)}")

    def begin(library: Library, job: Job) -> Run:
        # What came in since the last build counts; without anything new the build is the last one.
        kind = training.METHODS[wish.method]
        dataset_id = wish.dataset_id or datasets.build(library, kind=kind, settings=here.settings).id
        datasets.verify(library.datasets.get(dataset_id))
        return training.train(
            library, settings=here.settings, method=wish.method, base=wish.base, dataset_id=dataset_id, effort=wish.effort,
            overrides=wish.overrides, promote=wish.promote, force=wish.force, progress=lambda event: here.jobs.event(job, event),
        )  # fmt: skip

    return await _follow(here, f"Training {wish.method}", begin)


@router.post("/runs/{run_id}/stop", operation_id="stopRun")
def stop_run(library: Opened, run_id: str) -> RunOut:
    """Stop at the next step, with a checkpoint; it can be resumed."""
    return RunOut.of(training.stop_run(library, run_id))


@router.post("/runs/{run_id}/resume", operation_id="resumeRun", status_code=202)
async def resume_run(here: Here, run_id: str) -> JobOut:
    """Go on from the newest checkpoint."""

    def begin(library: Library, job: Job) -> Run:
        job.run_id = library.runs.get(run_id).id
        return training.resume_run(library, run_id, settings=here.settings, progress=lambda event: here.jobs.event(job, event))

    return await _follow(here, f"Going on with {run_id}", begin)


async def _follow(here: Here, title: str, begin: object) -> JobOut:
    """Start a training job; returns when it has begun, raises what kept it from beginning."""

    def work(job: Job) -> object:
        with here.open_library() as library:
            job.stop = lambda: _stop(here, job)
            return begin(library, job)  # type: ignore[operator]

    job = here.jobs.start("train", title, work, lane="training")
    await asyncio.to_thread(job.settled.wait, BEGIN)
    if job.state == "failed" and not job.run_id:
        job.raise_problem()
    return JobOut.of(job)


def _stop(here: Here, job: Job) -> None:
    if job.run_id:
        with here.open_library() as library:
            training.stop_run(library, job.run_id)


@router.post("/models/{model_id}/evaluate", operation_id="evaluateModel", status_code=202)
def evaluate(here: Here, library: Opened, model_id: str, wish: EvaluateIn) -> JobOut:
    """Measure a version on the held-out sources, in a process of its own."""
    library.models.get(model_id)
    if wish.dataset_id:
        library.datasets.get(wish.dataset_id)
    more = [*(["--dataset", wish.dataset_id] if wish.dataset_id else []), *(["--limit", str(wish.limit)] if wish.limit else [])]
    return JobOut.of(run_command(here.jobs, here.given.home, "evaluate", f"Measuring {model_id}", ["evaluate", model_id, *more]))


@router.post("/improve", operation_id="improve", status_code=202)
def improve(here: Here, library: Opened, wish: ImproveIn) -> JobOut:
    """Rebuild from the base with everything learnt since, measure, promote only what is better; in a process of its own.

    Stopped, it goes on from there the next time, unless `fresh`. Where it would only fail for the lack of pairs it is refused at once.
    """
    loop.require_enough(library, fresh=wish.fresh)  # the process says so only after seconds, of a job that has begun
    more = ["--fresh"] if wish.fresh else []
    return JobOut.of(improving.improve(here.jobs, here.given.home, "Improving", ["--effort", wish.effort, *more]))


@router.get("/improve", operation_id="getImproving")
def get_improving(here: Here) -> ImprovingOut | None:
    """The improve that is at work, whoever began it, and its step; null where none is. Of one that a terminal began no events come."""
    return ImprovingOut.told(at_work(here.given.home))


@router.get("/improve/reports", operation_id="listImproveReports")
def list_reports(library: Opened) -> list[ReportedOut]:
    """Every improve that came to its end, whoever began it: when, and what it came to; newest first."""
    return [ReportedOut.of(item) for item in loop.reports(library)]


@router.get(
    "/improve/reports/{improve_id}",
    operation_id="getImproveReport",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
def get_report(library: Opened, improve_id: str) -> HTMLResponse:
    """Its report, as a page to read: what was tried, measured and decided, and drafts beside the person's own passages."""
    return HTMLResponse(loop.read_page(library, improve_id), headers=SANDBOX)


@router.get("/jobs", operation_id="listJobs")
def list_jobs(here: Here) -> list[JobOut]:
    """Imports, pairings, trainings since the server started, newest first."""
    return [JobOut.of(job) for job in here.jobs.all()]


@router.get("/jobs/{job_id}", operation_id="getJob")
def get_job(here: Here, job_id: str) -> JobOut:
    return JobOut.of(here.jobs.get(job_id))


@router.post("/jobs/{job_id}/stop", operation_id="stopJob")
def stop_job(here: Here, job_id: str) -> JobOut:
    return JobOut.of(here.jobs.stop(job_id))
