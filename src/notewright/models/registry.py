"""Registered model versions: a base plus an adapter, with parents, dataset, recipe and metrics. One is current.

Adapters lie in `models/<id>/` of the home; rows keep that path relative, so that a home can be moved: ask `adapter_folder`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, NotFound
from ..files import whole_folder
from ..library import Library, atwork
from ..library.database import now
from ..library.products import ASKED, CHOSEN, ROLLBACK
from ..records import Dataset, Model, Run
from ..settings import Settings, is_hub_id, load_settings
from . import bases

if TYPE_CHECKING:
    from .bandit import Measured
    from .engine import Engine
    from .remote import RemoteEngine

REMOTE = "remote"
_FIRST_USE = "first use"
_ANOTHER_BASE = "the base has other files now"
_NAMED_BASE = "the base that config.toml names"
_SERVER = "set in config.toml"
_NO_SERVER = "no server is set in config.toml"  # why a version of ours became current again


def adapter_folder(library: Library, model: Model) -> Path | None:
    """Where a model's adapter lies; None for a plain base."""
    return library.home / model.adapter_path if model.adapter_path else None


def ensure_base_model(library: Library, settings: Settings, *, base: str = "", folder: bases.Base | None = None) -> Model:
    """The plain base as a registered model of role `base`; registered, and made current if nothing is, at its first use."""
    found = folder or bases.fetch_base(base or settings.base_model)
    _recognise(library, found)
    model = _plain(library, found.name, found.revision)
    if library.models.current() is None:
        _promote_after(library, None, model.id, _NAMED_BASE if settings.base_model and not (base or folder) else _FIRST_USE)
    return model


def _promote_after(library: Library, seen: Model | None, model_id: str, reason: str) -> Model:
    """What is current then: the other one, unless somebody was faster who made another one current than was `seen`."""
    with library.db.write():
        now_current = library.models.current()
        if now_current and (seen is None or now_current.id != seen.id):
            return now_current
        return library.models.promote(model_id, reason)


def _recognise(library: Library, found: bases.Base) -> None:
    """Versions of before folders had a fingerprint get the one of their base, and those of a folder that was moved its new name."""
    for base, revision in {(model.base, model.revision) for model in library.models.all() if model.role != REMOTE}:
        moved = base != found.name and revision == found.revision and _is_gone(base)
        if moved or (base, revision) == (found.name, ""):
            library.models.set_base((base, revision), (found.name, found.revision))


def _is_gone(base: str) -> bool:
    return base != bases.SEEDLING and not is_hub_id(base) and not bases.has_config(base)


def _recognised(library: Library, settings: Settings, model: Model) -> Model:
    """As a look at its base, or at the one in the settings where that is gone, makes it known."""
    name = settings.base_model if _is_gone(model.base) else "" if model.revision else model.base
    if name and not _is_gone(name) and (found := bases.on_disk(name)):
        _recognise(library, found)
    return library.models.get(model.id)


def plain(library: Library, model: Model) -> Model:
    """The base that a version was made from, as a version itself (registered at its first use); a remote model is its own."""
    return model if model.role == REMOTE else _plain(library, model.base, model.revision)


def _plain(library: Library, base: str, revision: str) -> Model:
    return _known(library, "base", base, revision) or _registered(library, "base", base, revision)


def _known(library: Library, role: str, base: str, revision: str) -> Model | None:
    return next((model for model in library.models.all(role) if (model.base, model.revision) == (base, revision)), None)


def _registered(library: Library, role: str, base: str, revision: str, reason: str = "") -> Model:
    """A new one, promoted where there is a `reason`; the one that somebody has just registered, where they were faster."""
    with library.db.write():
        if found := _known(library, role, base, revision):
            return found
        model = library.models.add(Model(library.models.new_id(), base, "", role, now(), revision=revision))
        return library.models.promote(model.id, reason) if reason else model


def ensure_remote_model(library: Library, settings: Settings) -> Model:
    """The configured server as a model of role `remote` (base: its address, revision: its model); made current when it is new."""
    url, name = settings.engine_url.rstrip("/"), settings.engine_model
    return _known(library, REMOTE, url, name) or _registered(library, REMOTE, url, name, _SERVER)


def current(library: Library, settings: Settings) -> Model:
    """The promoted model, or the plain base where nothing was trained yet.

    A newly configured server becomes the current one; a server that is configured no longer is never asked again: the version before it
    writes, or the one that is configured now. A newly configured base takes the place of a plain one that nobody chose, and of nothing
    else.
    """
    if settings.engine_url:
        ensure_remote_model(library, settings)
    model = library.models.current()
    if model is None:
        return ensure_base_model(library, settings)
    if model.role == REMOTE or library.models.promotions()[-1][2] == _NO_SERVER:
        model = _as_configured(library, settings, model)
    if model.role == REMOTE:
        return model
    model = _recognised(library, settings, model)
    reason = library.models.promotions()[-1][2] if model.role == "base" else ""
    if reason == _NAMED_BASE or (settings.base_model and reason in (_FIRST_USE, _ANOTHER_BASE)):
        found = bases.on_disk(settings.base_model)
        if model.base != (found.name if found else settings.base_model.partition("@")[0]):
            return _promote_after(library, model, ensure_base_model(library, settings, folder=found).id, _NAMED_BASE)
    if model.role == "base" and not _is_gone(model.base) and (found := bases.on_disk(model.base)):
        plain = ensure_base_model(library, settings, folder=found)
        return model if model.revision == found.revision else _promote_after(library, model, plain.id, _ANOTHER_BASE)
    return model


def _as_configured(library: Library, settings: Settings, model: Model) -> Model:
    """In the place of a server, or of the version that stood in when none was configured."""
    if settings.engine_url:
        configured = ensure_remote_model(library, settings)
        return model if configured.id == model.id else _promote_after(library, model, configured.id, _SERVER)
    if model.role != REMOTE:
        return model
    for model_id, _, _ in reversed(library.models.promotions()):
        before = library.models.get(model_id)
        if before.role != REMOTE and has_files(library, before):
            return _promote_after(library, model, before.id, _NO_SERVER)
    return _promote_after(library, model, ensure_base_model(library, settings).id, _NO_SERVER)


def register(
    library: Library,
    run: Run,
    *,
    base: bases.Base,
    adapter: Path,
    parent_id: str = "",
    metrics: Mapping[str, object] | None = None,
    role: str = "policy",
) -> Model:
    """Keep a finished run's adapter as a new version (not promoted): files first, then the row. `role` is policy or reward."""
    model_id = library.models.new_id()
    folder = library.home / "models" / model_id
    with whole_folder(folder) as part:
        shutil.copytree(adapter, part, dirs_exist_ok=True)
    model = Model(
        model_id, base.name, folder.relative_to(library.home).as_posix(), role, now(), run_id=run.id, parent_id=parent_id,
        dataset_id=run.dataset_id, revision=base.revision, recipe=run.recipe, metrics=dict(metrics or {}),
    )  # fmt: skip
    return library.models.add(model)


def use(library: Library, model_id: str) -> Model:
    """Make a version the current one. An older one in the place of what the program made current goes back, as `rollback` does."""
    with library.db.write():  # nothing may prune it between the look and the promotion
        require_writer(library.models.get(model_id))
        require_files(library, library.models.get(model_id))
        return library.models.promote(model_id, CHOSEN)


def require_writer(model: Model) -> None:
    """Raises Invalid for a reward model."""
    if model.role == "reward":
        raise Invalid(f"{model.id} is a reward model: it judges drafts and writes none.", "Choose another: notewright models list")


def rollback(library: Library) -> Model:
    """Go back to the version that was current before. Raises NotFound where there is none, or its files were pruned."""
    with library.db.write():
        if earlier := library.models.standing()[:-1]:
            require_files(library, library.models.get(earlier[-1]))
        return library.models.rollback()


def require_files(library: Library, model: Model) -> None:
    """Raises NotFound where the adapter of a version was pruned or deleted or its base is gone, Invalid where that has other files now."""
    if not has_files(library, model):
        folder = adapter_folder(library, model)
        raise NotFound(f"The files of {model.id} are gone: {folder}", "Use another version (notewright models use ID), or train again.")
    if model.role != REMOTE:
        model = _recognised(library, load_settings(library.home), model)
        as_it_is = not model.adapter_path and not _is_gone(model.base)  # a plain base: `current` takes what lies there now
        bases.on_disk(model.base, revision="" if as_it_is else model.revision)


def has_files(library: Library, model: Model) -> bool:
    folder = adapter_folder(library, model)
    return folder is None or (folder / "adapter_model.safetensors").exists()


def keep_contenders(
    library: Library, contenders: Mapping[str, bool], *, beside: str, asked_at: str = "", measured: Mapping[str, Measured] | None = None
) -> None:
    """Held-out work of `asked_at` could not tell these versions from `beside` (True: with examples in their prompts), however much they
    `measured` better or worse; they take turns with it, and those that were kept before do so no more."""
    with library.db.write():
        for model in library.models.with_metric("contender"):
            if model.id not in contenders:
                library.models.set_metrics(model.id, {"contender": None})
        for model_id, examples in contenders.items():
            kept: dict[str, object] = {"beside": beside, "at": now(), "promotions": len(library.models.promotions())}
            if found := (measured or {}).get(model_id):
                kept |= {"difference": found.difference, "error": found.error}
            library.models.set_metrics(model_id, {"contender": kept, "examples": examples, ASKED: asked_at})


def contenders(library: Library) -> list[Model]:
    """The versions kept beside the current one, oldest first; none where the person chose who writes, or went back, since they were kept.

    They share the current version's base, so that they take turns without a reload. A version that the person left by hand is none.
    """
    current, promotions = library.models.current(), library.models.promotions()
    if current is None or current.role == REMOTE:
        return []
    left: set[str] = set()
    for (before, _, _), (after, _, reason) in zip(promotions, promotions[1:], strict=False):
        left.discard(after)
        if reason in BY_HAND and before != after:
            left.add(before)
    found = []
    for model in library.models.with_metric("contender"):
        kept = model.metrics["contender"]
        if not isinstance(kept, dict) or kept["beside"] != current.id or model.id in {current.id, *left}:
            continue
        # Counted, as clocks are put right; earlier records have the time alone.
        if kept["promotions"] < len(promotions) if "promotions" in kept else kept["at"] < promotions[-1][1]:
            continue
        if (model.base, model.revision) == (current.base, current.revision) and has_files(library, model):
            found.append(model)
    return found


def tried_and_left(library: Library) -> set[str]:
    """The versions that the person chose and then went away from, and that were not current again since."""
    promotions, left = library.models.promotions(), set[str]()
    for (before, _, why), (after, _, reason) in zip(promotions, promotions[1:], strict=False):
        left.discard(after)
        if before != after and why == CHOSEN and reason in BY_HAND:
            left.add(before)
    return left


def made_of(library: Library, model: Model, method: str = "") -> tuple[str, ...]:
    """The base and, newest first, the methods, data and recipes of all trainings behind a version. What is made of the same again is the
    same version under another name. For one that is not trained yet `method` says how it will be."""
    methods = {run.id: run.method for run in library.runs.all()} | {"": method}
    data = {dataset.id: _taught(dataset) for dataset in library.datasets.all()}
    steps = [
        part
        for step in lineage(library, model)
        if step.role != "base"
        for part in (methods.get(step.run_id, ""), data.get(step.dataset_id, step.dataset_id), json.dumps(_as_run(step), sort_keys=True))
    ]
    return (model.base, model.revision, *steps)


def _taught(dataset: Dataset) -> str:
    """What of a dataset goes into a training, by its content: the same rows can be frozen under two names."""
    hashes: Any = dataset.manifest.get("sha256") or {}
    return " ".join([str(hashes["train.jsonl"]), str(hashes.get("valid.jsonl", ""))]) if "train.jsonl" in hashes else dataset.id


def _as_run(model: Model) -> dict[str, object]:
    """Its recipe with the rate that it was trained at: the first training of a base looks for it, later ones are told."""
    found = {name: value for name, value in model.recipe.items() if name != "rate_check"}
    return found | {name: model.metrics[name] for name in ("learning_rate",) if name in model.metrics}


BY_HAND = (CHOSEN, ROLLBACK)
KEEP = 8  # newest versions whose files stay in any case
_DOOMED = ".pruned"
_OPEN = timedelta(days=30)  # what a person has left undecided for so long is left for good


def prune(library: Library, *, keep: int = KEEP, dry_run: bool = False) -> list[Model]:
    """Delete the adapter files of old versions and return those versions; their rows, figures and recipes stay.

    The newest `keep` versions stay whole, and so does whatever is or may come into use: the current version and its contenders, those of
    duels that are not decided yet (for a month), the one that a rollback goes back to, the newest reward model, versions that the person
    chose by hand, what trainings and an `improve` that can go on were begun with or have made, and the parents of all these. With
    `dry_run` nothing is deleted.
    """
    with library.db.write():  # nothing may become current between the look and the renaming
        gone = _unneeded(library, keep)
        for model in gone if not dry_run else ():
            # Renamed first: a deletion that is broken off leaves no half adapter under the model's name.
            folder = library.home / model.adapter_path
            os.replace(folder, folder.with_name(folder.name + _DOOMED))
            library.models.set_metrics(model.id, {"pruned_at": now()})
    for doomed in (library.home / "models").glob(f"*{_DOOMED}") if not dry_run else ():  # also what a killed one left
        shutil.rmtree(doomed, ignore_errors=True)
    return gone


def _unneeded(library: Library, keep: int) -> list[Model]:
    models = [model for model in library.models.all() if model.adapter_path]
    wanted = {model.id for model in models[max(0, len(models) - keep) :]}
    wanted |= {model.id for model in [model for model in models if model.role == "reward"][-1:]}
    wanted |= set(library.models.standing()[-2:])
    wanted |= {model_id for model_id, _, reason in library.models.promotions() if reason == CHOSEN}
    wanted |= {model.id for model in contenders(library)}
    wanted |= library.browse.undecided_duels(since=(datetime.now(UTC) - _OPEN).isoformat()) & {model.id for model in models}
    wanted |= _at_work(library) & {model.id for model in models}
    needed = {parent.id for model_id in wanted for parent in lineage(library, library.models.get(model_id))}
    return [model for model in models if model.id not in needed and (library.home / model.adapter_path).exists()]


def _at_work(library: Library) -> set[str]:
    """What unfinished trainings go on from and are judged by, and what an `improve` that can go on is to beat and has made."""
    found = set()
    for run in library.runs.all():
        if run.status in ("created", "running", "interrupted"):
            found |= {run.parent_model_id, str(atwork.table(library.home / run.path / "judge.json").get("model", ""))}
    unfinished = atwork.unfinished(library.home)
    return found | {str(value) for key, value in unfinished.items() if key in ("current", "promoted") or key.endswith("_model")}


def lineage(library: Library, model: Model) -> list[Model]:
    """The model and its parents, newest first."""
    chain = [model]
    while chain[-1].parent_id:
        chain.append(library.models.get(chain[-1].parent_id))
    return chain


def distances(model: Model) -> dict[str, float]:
    """Its edit distances to held-out passages, by whether the prompts showed examples (`without_examples`, `with_examples`), as far as
    they were measured. `improve` keeps that of the way in which a version will write as its `edit_distance`."""
    kept, prompted = model.metrics.get("edit_distance"), model.metrics.get("edit_distance_with_examples")
    told = model.metrics.get("evaluation")
    shown = bool(told.get("examples")) if isinstance(told, dict) and told.get("mean") == kept else kept == prompted
    plain = model.metrics.get("edit_distance_without_examples") if shown else kept
    found = {"without_examples": plain, "with_examples": kept if shown and prompted is None else prompted}
    return {name: value for name, value in found.items() if isinstance(value, float)}


def describe(library: Library, model_id: str = "") -> dict[str, object]:
    """All about one version (the current one if no id is given), ready for printing or JSON."""
    model = library.models.get(model_id) if model_id else library.models.current()
    if model is None:
        raise NotFound("No model has been used yet.", "Train one with: notewright train sft")
    now_current = library.models.current()
    folder = adapter_folder(library, model)
    return {
        "id": model.id,
        "role": model.role,
        "current": now_current is not None and now_current.id == model.id,
        "base": model.base + (f"@{model.revision}" if model.revision else ""),
        "adapter": str(folder) if folder else "",
        "parents": [parent.id for parent in lineage(library, model)[1:]],
        "run": model.run_id,
        "dataset": model.dataset_id,
        "created_at": model.created_at,
        "recipe": model.recipe,
        "metrics": model.metrics,
        "promotions": [{"at": at, "reason": reason} for promoted, at, reason in library.models.promotions() if promoted == model.id],
    }


def open_engine(library: Library, model: Model, *, device: str = "auto") -> Engine | RemoteEngine:
    """The engine with this version loaded (imports torch, except for a server)."""
    if model.role == REMOTE:
        from .remote import RemoteEngine, engine_key

        return RemoteEngine(model.base, model.revision, key=engine_key(library.home))
    from ..pool import no_search_for_cycles

    with no_search_for_cycles():
        from .engine import Engine

    engine = Engine(model.base, device=device, revision=model.revision or None)
    switch(library, engine, model)
    return engine


def switch(library: Library, engine: Engine, model: Model) -> None:
    """Let an engine with this version's base write as this version does."""
    datasets = (library.datasets.get(version.dataset_id) for version in lineage(library, model) if version.dataset_id)
    engine.use_adapter(adapter_folder(library, model), taught=[Path(dataset.path) for dataset in datasets])
