"""notewright models list|use|rollback|show|diff|prune|export"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..clock import day, minute
from ..records import Model
from .hints import say
from .show import as_json, count, facts, given_path, id_of, json_option, list_action, open_library, positive, progress, table

if TYPE_CHECKING:
    from ..models.turns import Online


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="list|use|rollback|show|diff|prune|export")
    list_action(parser, actions, list_models, "all versions; * marks the current one")
    use = actions.add_parser("use", help="make a version the current one")
    use.add_argument("id", type=id_of("model"), help="as notewright models lists it, or its number alone")
    use.set_defaults(handler=use_model)
    actions.add_parser("rollback", help="go back to the version that was current before").set_defaults(handler=rollback)
    diff = actions.add_parser("diff", help="what two versions write from the same highlights, side by side")
    diff.add_argument("before", type=id_of("model"), metavar="A", help="one version")
    diff.add_argument("after", type=id_of("model"), metavar="B", help="the other one")
    diff.add_argument("--source", default="", metavar="TITLE", help="default: held-out passages, beside what you wrote yourself")
    diff.add_argument("--chapter", default=None, metavar="NAME", help='with --source: only this chapter; "" for what has none')
    diff.add_argument("--limit", type=positive, default=3, metavar="N", help="how many held-out passages (default 3)")
    json_option(diff)
    diff.set_defaults(handler=diff_models)
    prune = actions.add_parser("prune", help="delete the files of old versions that nothing needs; their figures stay")
    prune.add_argument("--keep", type=int, default=8, metavar="N", help="how many of the newest stay in any case (default 8)")
    prune.add_argument("--dry-run", action="store_true", help="only say which")
    json_option(prune)
    prune.set_defaults(handler=prune_models)
    export = actions.add_parser("export", help="write a version as a plain Hugging Face folder, for llama.cpp, Ollama and others")
    export.add_argument("id", type=id_of("model"), help="a version, or current")
    export.add_argument("folder", type=given_path, metavar="FOLDER", help="a new or empty folder, outside of the vault")
    export.set_defaults(handler=export_version)
    show = actions.add_parser("show", help="one version: parents, dataset, recipe, metrics")
    show.add_argument("id", type=id_of("model"), nargs="?", help="default: the current one")
    json_option(show)
    show.set_defaults(handler=show_model)


def list_models(options: argparse.Namespace) -> None:
    from ..models import registry
    from ..models.turns import online

    library, settings = open_library()
    with library:
        models, current, now = library.models.all(), library.models.current(), online(library, settings=settings)
    if options.json:
        told = [asdict(model) | {"distances": registry.distances(model)} for model in models]
        as_json({"current": current.id if current else None, "models": told, "online": now})
        return
    rows = [
        (
            ("* " if current and current.id == model.id else "  ") + model.id,
            model.role,
            model.parent_id or "-",
            model.dataset_id or "-",
            _distance(model),
        )
        for model in models
    ]
    table(rows, "  model", "role", "parent", "dataset", "held-out distance", empty="No models yet. Train one with: notewright train sft")
    lines = list(told_online(now))
    say("\n" + "\n".join(lines) if lines else "", end="\n" if lines else "")


def told_online(now: Online) -> Iterator[str]:
    """Who takes turns in writing, what blind duels said, and whether the person has changed; nothing while there is nothing to say."""
    if len(now.standings) > 1:
        turns = (
            f"{item.version} {item.chance:.0%}" + ("" if item.cost is None else f" ({item.cost:.2f} changed, {item.batches:,} judged)")
            for item in now.standings
        )
        yield f"writes next: {', '.join(turns)}; {now.duels:.0%} of the drafts are blind duels"
    for rate in now.win_rates:
        yield (
            f"duels: {rate.first} preferred to {rate.second} in {rate.rate:.0%} of {rate.duels} "
            f"(90 % interval {rate.low:.0%} to {rate.high:.0%})"
        )
    if now.drift:
        what = "what you change in drafts" if now.drift.what == "edit cost" else "how your choices surprise the taste head"
        rose = f"rose from {now.drift.before:.2f} to {now.drift.after:.2f} around {day(now.drift.at)}"
        yield f"you changed: {what} {rose}; what was before counts less (if you did not: notewright feedback unchanged)"


def _distance(model: Model) -> str:
    from ..models import registry

    if model.role == "reward":
        accuracy = model.metrics.get("accuracy")
        return f"judges {accuracy:.0%} of unseen choices" if isinstance(accuracy, float) else "not measured"
    said = {"without_examples": "", "with_examples": " with examples"}
    return "; ".join(f"{value:.3f}{said[name]}" for name, value in registry.distances(model).items()) or "not measured"


def use_model(options: argparse.Namespace) -> None:
    from ..models import registry

    library, _ = open_library()
    with library:
        print(f"Current model: {registry.use(library, options.id).id}")


def rollback(options: argparse.Namespace) -> None:
    from ..models import registry

    library, _ = open_library()
    with library:
        left = library.models.current()
        model = registry.rollback(library)
        examples = model.metrics.get("examples")
        if left and left.id == model.id:  # the same version, asked in another way: that is all that was taken back
            from ..drafting import taught_examples

            examples = taught_examples(library, model) > 0
        prompted = f", {'with' if examples else 'without'} examples in its prompts" if isinstance(examples, bool) else ""
        print(f"Current model: {model.id}{prompted}")


def prune_models(options: argparse.Namespace) -> None:
    from ..errors import Invalid
    from ..models import registry

    if options.keep < 0:
        raise Invalid(f"--keep {options.keep} makes no sense.", "Give 0 or more.")
    library, _ = open_library()
    with library:
        gone = registry.prune(library, keep=options.keep, dry_run=options.dry_run)
    if options.json:
        as_json(gone)
        return
    what = "would be deleted" if options.dry_run else "deleted"
    print(f"Files of {count(len(gone), 'version')} {what}{': ' if gone else ''}{', '.join(model.id for model in gone)}.")


def export_version(options: argparse.Namespace) -> None:
    from ..models import registry

    library, settings = open_library()
    with library:
        model_id = registry.current(library, settings).id if options.id == "current" else library.models.get(options.id).id
        from ..models.export import export_model

        with progress("exporting") as advance:
            folder = export_model(library, model_id, options.folder, settings=settings, progress=advance)
    print(f"{model_id} is in {folder}\nREADME.md there shows how to ask it; docs/serving.md how to convert it for llama.cpp.")


def show_model(options: argparse.Namespace) -> None:
    from ..models import registry

    library, _ = open_library()
    with library:
        shown = registry.describe(library, options.id or "")
    if options.json:
        as_json(shown)
        return
    made = {"created_at": minute(str(shown["created_at"]))}
    facts({name: value for name, value in {**shown, **made}.items() if value and not isinstance(value, (dict, list))})
    for name in ("parents", "metrics", "recipe", "promotions"):
        values = shown[name]
        if isinstance(values, dict) and values:
            print(f"\n{name}")
            facts({f"  {key}": _plainly(value) for key, value in values.items() if value is not None})
        elif isinstance(values, list) and values:
            told = (f"{minute(item['at'])} {item['reason']}" if isinstance(item, dict) else str(item) for item in values)
            print(f"\n{name}: " + "; ".join(told))


def _plainly(value: object, between: str = ", ") -> str:
    """A figure, or several, with their names where they have some."""
    if isinstance(value, dict):
        told = {name: _plainly(item, " to " if name == "interval" else " ") for name, item in value.items() if item is not None}
        return between.join(f"{name} {item}" for name, item in told.items())
    if isinstance(value, (list, tuple)):
        return between.join(_plainly(item, " ") for item in value)
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def diff_models(options: argparse.Namespace) -> None:
    from .. import loop

    library, settings = open_library()
    with library, progress("writing") as advance:
        found = loop.diff_versions(
            library, settings=settings, before=options.before, after=options.after, source=options.source, chapter=options.chapter,
            limit=options.limit, progress=advance,
        )  # fmt: skip
    if options.json:
        as_json(found)
        return
    for item in found.items:
        print("\n".join(filter(None, (item.source_title, item.chapter, item.note_path))))
        texts = {"your passage": item.passage} if item.passage else {}
        for name, text, distance in ((found.before, item.before, item.before_distance), (found.after, item.after, item.after_distance)):
            texts[name + (f", {distance:.2f} from yours" if distance is not None else "")] = text
        for name, text in texts.items():
            print(f"\n--- {name}\n\n{text.strip()}")
        print(f"\n--- {found.before} and {found.after} are {item.between:.2f} apart\n")
