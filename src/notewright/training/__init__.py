"""Training: a dataset and a recipe become a run, and a finished run becomes a model.

    recipes     all settings of a training and where each came from
    runs        run folders and the child process
    launch      the command of the child: one process, or several under `accelerate`
    worker      [heavy] the child; the methods are `sft`, `ditto`, `edits`, `dpo`, `kto`, `reward`, `grpo` (also RLOO) and `ppo`; `session`,
                `processes`, `data`, `policy`, `batches`, `losses`, `sampling`, `rounds` and `head` are what they share, `watch`, `guard`,
                `rates` and `sources` what keeps them in bounds
    judging     what a draft earns while a policy learns from its own drafts; `prompts` are what it writes them for, `writing` is its desk

    run = train(library, settings=settings, method="sft", progress=print)

Progress events are dicts with a key `event`: plan, loading, memory, start, step, checkpoint, warning, finished, stopped. A `step` has step,
steps, loss, tokens_per_second, eta_seconds. Nothing heavy is imported here: training happens in a process of its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..clock import roughly
from ..errors import Busy, Invalid, MissingExtra, NotFound
from ..library import Library, atwork
from ..library.database import now
from ..library.products import TRAINED
from ..library.rows import read_rows
from ..models import bases, registry
from ..records import Dataset, Model, Run
from ..reward.lists import list_key
from ..reward.trust import require
from ..settings import Settings
from ..text import count
from . import judging, launch, prompts, rates, recipes, runs, sources
from .runs import Job, Killed, Progress, is_stopping, read_log, read_progress, settle, stop_run

# Method -> kind of dataset.
METHODS = {
    "sft": "sft", "ditto": "sft", "edits": "edits", "dpo": "preference", "kto": "labels", "reward": "preference", "grpo": "sft",
    "rloo": "sft", "ppo": "sft",
}  # fmt: skip
MORE = {
    "sft": "Accept more pairs (notewright pairs)",
    "preference": "Rank more drafts (notewright rank)",
    "edits": "Change accepted drafts in your notes (notewright sync notices)",
    "labels": "Accept and reject more drafts (notewright rank)",
}
FROM_BASE = ("sft", "reward")  # the others go on from a model
SAMPLING = ("grpo", "rloo", "ppo")  # a policy learns from its own drafts
TRACKERS = ("mlflow", "tensorboard", "trackio")


def train(
    library: Library,
    *,
    settings: Settings,
    method: str,
    base: str = "",
    dataset_id: str = "",
    effort: str = "normal",
    recipe_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    report_to: str = "none",
    accelerate: Path | None = None,
    start_id: str = "",
    resume: bool = False,
    promote: bool = True,
    force: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train a model on a dataset (the newest of its kind if none is named) and register it; returns the finished run.

    SFT starts from `base`, a reward model from `base` or the current model's base, the others go on from model `start_id` (default: the
    current one). The result is made current without being compared (`loop.improve` compares), unless not `promote`; a reward model never
    is. `accelerate` is a configuration file of accelerate: the training then runs in as many processes as it says. `resume` goes on with
    the newest interrupted run of the method instead.
    Ctrl-C stops at the next step with a checkpoint, marks the run interrupted, and is raised again with words on how to go on.
    """
    if method not in METHODS:
        raise Invalid(f"There is no training method {method!r}.", f"Methods: {', '.join(METHODS)}")
    settle(library)
    if resume:
        return resume_run(library, newest_interrupted(library, method).id, settings=settings, promote=promote, progress=progress)
    _require_tracker(report_to)
    launch.require_config(accelerate)
    asked = _prepare(library, settings, method, base, dataset_id, effort, recipe_file, overrides, accelerate, start_id)
    dataset, folder, parent, found, resolved = asked.dataset, asked.folder, asked.parent, asked.base, asked.resolved
    adapter = None if method in FROM_BASE else registry.adapter_folder(library, parent)
    job = Job(
        method=method, recipe=resolved.values(), origins=resolved.origins, base=found.name, base_folder=str(found.folder),
        revision=found.revision, start_adapter=str(adapter) if adapter else "", parent_id=parent.id, dataset_id=dataset.id,
        dataset_folder=str(folder), dataset_hash=_hash(folder / "train.jsonl"), device=settings.device, report_to=report_to, force=force,
        promote=promote, versions=runs.package_versions(), accelerate=str(accelerate.absolute()) if accelerate else "",
        taught=[] if method in FROM_BASE else _taught(library, parent),
    )  # fmt: skip
    run_id = library.runs.new_id()
    path = library.home / "runs" / run_id
    path.mkdir(parents=True)
    job.save(path)
    if asked.written_for:
        prompts.freeze(library, path, dataset=asked.written_for, with_drafts=bool(asked.reward))
        judging.freeze(library, path, settings=settings, reward=asked.reward)
    with runs.followed(path):
        run = library.runs.add(
            Run(run_id, method, f"runs/{run_id}", "created", now(), dataset.id, parent.id, resolved.values(), {"base": found.name})
        )
        if progress:
            progress(_plan(run, bases.read_config(found.folder), resolved, asked.rows, asked.parameters, settings.device))
        return _run(library, run, job, progress)


def made_before(
    library: Library,
    *,
    settings: Settings,
    method: str,
    dataset_id: str,
    effort: str = "normal",
    start_id: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> Model | None:
    """The newest version that `train` would only make again, as this program made it of the same base, data, recipe and start; None where
    there is none, its files are gone, or what it learns is drafts that a reward judges. Raises what `train` raises before it begins."""
    asked = _prepare(library, settings, method, "", dataset_id, effort, None, overrides, None, start_id)
    if asked.written_for or method == "reward":
        return None
    planned = Model(
        "", asked.base.name, "", "policy", now(), parent_id=asked.parent.id, dataset_id=asked.dataset.id, revision=asked.base.revision,
        recipe=asked.resolved.values(),
    )  # fmt: skip
    wanted = registry.made_of(library, planned, method)
    for run in reversed(library.runs.all()):
        if run.method != method or run.status != "finished":
            continue
        with suppress(NotFound, ValueError, TypeError):  # its folder is gone or broken
            by_us = Job.load(runs.run_folder(library, run)).versions.get("notewright") == __version__
            model = library.models.get(str(run.metrics.get("model")))
            if by_us and registry.made_of(library, model) == wanted and registry.has_files(library, model):
                return model
    return None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A training that can begin. Where the policy writes drafts itself, `written_for` has their prompts, and `reward` judges them."""

    dataset: Dataset
    folder: Path
    rows: int
    parent: Model
    base: bases.Base
    parameters: int
    resolved: recipes.Resolved
    reward: str
    written_for: Dataset | None


def _prepare(
    library: Library, settings: Settings, method: str, base: str, dataset_id: str, effort: str, recipe_file: Path | None,
    overrides: Mapping[str, Any] | None, accelerate: Path | None, start_id: str,
) -> _Prepared:  # fmt: skip
    dataset = _dataset(library, method, dataset_id)
    folder = library.home / dataset.path
    rows = _count_rows(folder / "train.jsonl", decisions=method == "dpo")
    if method not in SAMPLING:
        _require_rows(method, dataset, rows)
    if method == "reward":
        rows = _count_rows(folder / "train.jsonl", decisions=True)  # it learns from a list as a whole
    parent, found = _start(library, settings, method, base, start_id)
    parameters = bases.parameter_count(bases.read_config(found.folder), found.folder)
    asked: dict[str, Any] = {"effort": effort, "recipe_file": recipe_file, "overrides": overrides, "among": launch.count(accelerate)}
    resolved = recipes.resolve(method, parameters=parameters, rows=rows, **asked)
    if resolved.recipe.quantize and launch.splits(accelerate):
        raise Invalid(
            "A base in 4 bits cannot be split among processes (kind FSDP).", "Leave out quantize, or use a configuration of kind MULTI_GPU."
        )
    if isinstance(resolved.recipe, recipes.RewardRecipe):
        own = (row for row in read_rows(folder / "train.jsonl") if row.get("kind") != "labelled")
        recipes.require_questions(own, resolved.recipe.members)
    if method == "sft":
        resolved = _for_this_person(library, resolved, found.name)
    reward, written_for = _judge(library, resolved.recipe, dataset)
    if reward and method in SAMPLING:  # prompts of drafts join, so that there are more of them than rows
        rows = count_prompts(library, dataset)
        resolved = recipes.resolve(method, parameters=parameters, rows=rows, **asked)
    if method in SAMPLING:
        _require_rows(method, dataset, rows)
    return _Prepared(dataset, folder, rows, parent, found, parameters, resolved, reward, written_for)


def count_prompts(library: Library, dataset: Dataset) -> int:
    """For how many prompts a policy would write drafts that a trusted reward judges: those of the passages, and of the person's drafts."""
    return len(prompts.gather(library, dataset=dataset, with_drafts=True))


def _require_rows(method: str, dataset: Dataset, rows: int) -> None:
    if rows < recipes.MINIMUM_ROWS[method]:
        what = count(rows, "training decision" if method == "dpo" else "training row")
        raise Invalid(
            f"{dataset.id} has {what}; {method} needs at least {recipes.MINIMUM_ROWS[method]}.",
            f"{MORE[METHODS[method]]}, then build it again: notewright dataset {METHODS[method]}",
        )


def resume_run(
    library: Library, run_id: str, *, settings: Settings | None = None, promote: bool = True, progress: Progress | None = None
) -> Run:
    """Go on with an interrupted or failed run from its newest good checkpoint, with the recipe it began with."""
    run = _unfinished(library, run_id)
    folder = runs.run_folder(library, run)
    if runs.is_alive(folder):
        raise Busy(f"{run_id} is still being trained by another process.", "Wait for it, or stop that process first.")
    job = Job.load(folder)
    _require_parts(run, job, folder)
    with runs.followed(folder):
        run = _unfinished(library, run_id)  # another process may have taken in its end just now
        if settings:
            job = replace(job, device=settings.device)
            job.save(folder)  # the worker reads it there
        return _run(library, run, replace(job, promote=job.promote and promote), progress)


def _unfinished(library: Library, run_id: str) -> Run:
    run = library.runs.get(run_id)
    if run.status == "finished":
        raise Invalid(f"{run_id} is finished; there is nothing to resume.", f"Train again with: notewright train {run.method}")
    return run


def _require_parts(run: Run, job: Job, folder: Path) -> None:
    """Raises NotFound where something that a run was begun with is gone, Invalid where it is not what it was then."""
    again, data = f"Train anew with: notewright train {run.method}", Path(job.dataset_folder) / "train.jsonl"
    reward = atwork.table(folder / "judge.json").get("folder", "")
    parts = (("dataset", data), ("base model", job.base_folder), ("former version", job.start_adapter), ("reward model", reward))
    for what, path in parts:
        if path and not Path(path).exists():
            raise NotFound(f"The {what} of {run.id} is gone: {path}", again)
    if _hash(data) != job.dataset_hash:
        raise Invalid(f"The dataset of {run.id} has changed since it began.", again)
    if (found := bases.on_disk(job.base)) and job.revision not in ("", found.revision):
        raise Invalid(f"The base model of {run.id} has other files now than when it began: {found.folder}", again)


def is_alive(library: Library, run_id: str) -> bool:
    """Whether a process trains this run now."""
    return runs.is_alive(runs.run_folder(library, library.runs.get(run_id)))


def newest_interrupted(library: Library, method: str) -> Run:
    """The run that `resume` would go on with."""
    settle(library)
    for run in reversed(library.runs.all()):
        if run.method == method and run.status == "interrupted":
            return run
    raise NotFound(f"No interrupted {method} run is left to resume.", f"Start one with: notewright train {method}")


def _run(library: Library, run: Run, job: Job, progress: Progress | None) -> Run:
    folder = runs.run_folder(library, run)
    library.runs.update(run.id, status="running")
    try:
        outcome = runs.execute(folder, progress, name=run.id)
    except KeyboardInterrupt:
        library.runs.update(run.id, status="interrupted")
        raise KeyboardInterrupt(
            f"{run.id} stopped; {runs.last_good(folder)}. Go on with: notewright train {run.method} --resume {run.id}"
        ) from None
    except runs.Killed:
        library.runs.update(run.id, status="interrupted")
        raise
    except BaseException:
        library.runs.update(run.id, status="failed")
        raise
    if outcome["event"] == "stopped":
        return library.runs.update(run.id, status="interrupted")
    base = bases.Base(job.base, Path(job.base_folder), job.revision)
    metrics = outcome["metrics"]
    with library.db.write():
        role = "reward" if job.method == "reward" else "policy"
        model = registry.register(library, run, base=base, adapter=folder / "adapter", parent_id=job.parent_id, metrics=metrics, role=role)
        unchanged = 0 in (metrics.get("kept_round"), metrics.get("kept_step"))
        if job.promote and role == "policy" and not unchanged:
            library.models.promote(model.id, f"{TRAINED}{run.id} on your word; not compared with the version before")
        run = library.runs.update(run.id, status="finished", metrics={**metrics, "model": model.id})
        if "rate_factor" in metrics:
            rates.remember(library, job.base, {"factor": metrics["rate_factor"], "distances": metrics["rate_check"], "run": run.id})
    for name in ("checkpoints", "members", "rounds", "watch"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return run


def _start(library: Library, settings: Settings, method: str, base: str, start_id: str) -> tuple[Model, bases.Base]:
    """The model that the training starts from, and its base."""
    if method == "sft":
        found = bases.fetch_base(base or settings.base_model)
        return registry.ensure_base_model(library, settings, folder=found), found
    if method == "reward" and base:
        found = bases.fetch_base(base)
        return registry.ensure_base_model(library, settings, folder=found), found
    model = library.models.get(start_id) if start_id else registry.current(library, settings)
    if method == "reward":
        found = bases.fetch_base(model.base, revision=model.revision)
        return registry.ensure_base_model(library, settings, folder=found), found
    found = bases.fetch_base(model.base, revision=model.revision)
    if base and bases.fetch_base(base).folder != found.folder:
        raise Invalid(
            f"{method} goes on from {model.id}, whose base is {model.base}, not {base}.",
            "Leave out --base, or choose another model first: notewright models use MODEL",
        )
    return model, found


def _taught(library: Library, parent: Model) -> list[str]:
    """The folders of the data behind a version, as far as they are there."""
    named = {model.dataset_id for model in registry.lineage(library, parent)}
    folders = [library.home / dataset.path for dataset in library.datasets.all() if dataset.id in named]
    return [str(folder) for folder in folders if folder.is_dir()]


def _judge(library: Library, recipe: recipes.Recipe, dataset: Dataset) -> tuple[str, Dataset | None]:
    """The reward that judges the policy's own drafts, and the dataset of the prompts it writes them for; None where it writes none."""
    if isinstance(recipe, recipes.SamplingRecipe):
        return judging.choose_reward(library, recipe), dataset
    if not isinstance(recipe, recipes.DpoRecipe) or recipe.rounds == 1:
        return "", None
    reward = judging.choose_reward(library, recipes.SamplingRecipe(reward=recipe.reward))
    if not reward:
        require(library, judging.BEST_FIRST[0], "label")
    return reward, _dataset(library, "sft", "")


def _for_this_person(library: Library, resolved: recipes.Resolved, base: str) -> recipes.Resolved:
    """SFT's open choices: the rate that earlier trainings found for this base, or to look for it now; sources by id."""
    recipe, origins = resolved.recipe, dict(resolved.origins)
    assert isinstance(recipe, recipes.SftRecipe)
    if recipe.source_weights:
        recipe = replace(recipe, source_weights=sources.by_id(library, recipe.source_weights))
    factor = rates.remembered(library, base)
    given = recipe.max_steps > 0 or not origins["learning_rate"].startswith("base of")
    if recipe.rate_check == "auto" and factor is not None and not given:
        recipe = replace(recipe, rate_check="off", learning_rate=factor * recipe.learning_rate)
        origins["learning_rate"] += f", x{factor:g} by an earlier training's rate check"
    elif recipe.rate_check == "auto":
        quick = recipe.effort < 1
        recipe = replace(recipe, rate_check="off" if given or quick else "on")
        origins["rate_check"] = (
            "the rate or the steps are given" if given else "quick" if quick else "no rate was looked for on this base yet"
        )
    return recipes.Resolved(recipe, origins)


def _dataset(library: Library, method: str, dataset_id: str) -> Dataset:
    kind = METHODS[method]
    if dataset_id:
        dataset = library.datasets.get(dataset_id)
        if dataset.kind != kind:
            raise Invalid(
                f"{dataset.id} is a dataset of kind {dataset.kind}; {method} needs one of kind {kind}.",
                f"Build one: notewright dataset {kind}",
            )
        return dataset
    found = library.datasets.all(kind)
    if not found:
        raise NotFound(f"There is no {kind} dataset yet.", f"Build one with: notewright dataset {kind}")
    if removed := library.hidden.taught_by(found[-1]):
        raise Invalid(
            f"{found[-1].id} has passages about what you removed since: {'; '.join(removed)}.",
            f"Build one without them: notewright dataset {kind}. To train on it all the same: --dataset {found[-1].id}",
        )
    return found[-1]


def _count_rows(path: Path, *, decisions: bool = False) -> int:
    """Rows of a file; with `decisions` what was decided at once, such as a ranking, counts once, however many rows it makes."""
    if not path.exists():
        raise NotFound(f"The dataset's file is gone: {path}", f"Build the dataset again: notewright dataset {'|'.join(MORE)}")
    rows = read_rows(path)
    return len({list_key(row) if row.get("event_id") else number for number, row in enumerate(rows)}) if decisions else len(rows)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _plan(
    run: Run, config: Mapping[str, Any], resolved: recipes.Resolved, rows: int, parameters: int, device: str = "cpu"
) -> dict[str, Any]:
    """What is about to happen, before anything heavy starts. The rows are not measured yet: they count as long as they may be. The memory
    is all that the training's process will take: Python and its libraries, the model and its work, and checks."""
    recipe = resolved.recipe
    watched = getattr(recipe, "watch_rows", getattr(recipe, "guard_rows", 0)) if getattr(recipe, "early_stop", "") != "off" else 0
    seen = int(config.get("max_position_embeddings") or config.get("n_positions") or recipes.LONGEST)
    longest = min(recipe.max_length or recipes.LONGEST, seen)
    checks = bases.checks_needed(config, tokens=longest, rows=min(watched, rows))
    large, free = parameters > bases.SMALL, bases.free_memory()
    dtype = _weights_in(config, parameters, device, recipe) if parameters > recipes.TINY else "float32"
    together = recipes.read_together(run.method, getattr(recipe, "minibatch", 0) or recipe.batch_size, longest)

    def needed(checkpointing: bool) -> int:
        return bases.memory_needed(
            config, method="qlora" if recipe.quantize else "lora", dtype=dtype, parameters=parameters,
            tokens=longest, rows=together, rank=recipe.lora_rank,
            activation_checkpointing=checkpointing, dropout=recipe.lora_dropout > 0,
        )  # fmt: skip

    more = bases.PYTHON_AND_TORCH + checks
    memory = more + (needed(True) if large or more + needed(False) > free else needed(False))
    steps, base = recipes.planned_steps(recipe, rows), str(run.metrics["base"])
    first = f"{run.id}: {run.method} on {base} ({bases.short(parameters)} parameters), {rows} rows, {steps} steps"
    need = f"  memory: about {bases.readable(memory)}, Python and its libraries included ({bases.readable(free)} is free)"
    return {
        "event": "plan", "run": run.id, "method": run.method, "base": base, "parameters": parameters, "rows": rows, "total_steps": steps,
        "recipe": resolved.values(), "origins": resolved.origins, "memory": memory, "memory_free": free,
        "message": "\n".join([first, need, *_time(run.method, parameters, steps * recipe.batch_size, device), *recipes.explain(resolved)]),
    }  # fmt: skip


def _time(method: str, parameters: int, rows: int, device: str) -> list[str]:
    """Where a processor teaches a base that is not tiny: hours that nobody expects. Until the first step nothing else tells."""
    if parameters <= recipes.TINY:
        return []
    from ..models import catalogue, engine

    if engine.pick_device(device) != "cpu":
        return []
    seconds = catalogue.training_seconds(method, parameters, rows, catalogue.speed(training=True))
    return [f"  time: some {roughly(seconds)} on this processor, without checks"] if seconds else []


def _weights_in(config: Mapping[str, Any], parameters: int, device: str, recipe: recipes.Recipe) -> str:
    from ..models import engine, precision  # they bring torch along, which a tiny base is not worth here

    family, quantised = str(config.get("model_type", "")), bool(recipe.quantize)
    held, _ = precision.training_dtypes(parameters, engine.pick_device(device), recipe.precision, family, quantised=quantised)
    return str(held).removeprefix("torch.")


def _require_tracker(report_to: str) -> None:
    for name in report_to.split(","):
        if name in ("none", ""):
            continue
        if name not in TRACKERS:
            raise Invalid(f"There is no tracker {name!r}.", f"Trackers: {', '.join(TRACKERS)}, none")
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"--report-to {name} needs {name}.", "Install it with: pip install 'notewright[tracking]'")


__all__ = [
    "METHODS", "Killed", "count_prompts", "is_alive", "is_stopping", "made_before", "newest_interrupted", "read_log", "read_progress",
    "resume_run", "settle", "stop_run", "train",
]  # fmt: skip
