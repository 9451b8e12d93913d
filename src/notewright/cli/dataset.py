"""notewright dataset sft|preference|edits|labels|list|show|report"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..clock import minute
from ..records import Dataset
from ..settings import output_file
from .hints import say
from .show import as_json, count, facts, given_path, id_of, json_option, list_action, open_library, progress, table

KINDS = {
    "sft": "prompts and the passages you wrote",
    "preference": "what you chose over what you did not",
    "edits": "what you made of drafts, change by change",
    "labels": "drafts you accepted or rejected, each by itself",
}
ROWS = {"sft": "passage", "preference": "preference", "edits": "edit", "labels": "draft"}


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="sft|preference|edits|labels|list|show|report")
    for kind, line in KINDS.items():
        build = actions.add_parser(kind, help=line)
        build.add_argument("--seed", type=int, default=0, help="another one draws other examples into the prompts (default: 0)")
        if kind == "preference":
            build.add_argument("--label", default="", metavar="REWARD", help="a trusted reward adds rows for batches you did not judge")
        json_option(build)
        build.set_defaults(handler=build_dataset, kind=kind)
    list_action(parser, actions, list_datasets, "datasets so far")
    show = actions.add_parser("show", help="one dataset's manifest, checked against its files")
    show.add_argument("id", type=id_of("dataset"), help="as notewright dataset lists it, or its number alone")
    json_option(show)
    show.set_defaults(handler=show_dataset)
    page = actions.add_parser("report", help="one HTML page: coverage, lengths, features of the style, what was left out and why")
    page.add_argument("id", type=id_of("dataset"), nargs="?", default="", help="default: the newest sft dataset")
    page.add_argument("--out", type=given_path, metavar="FILE", help="default: reports/dataset.html in the library's folder")
    page.set_defaults(handler=report_dataset)


def report_dataset(options: argparse.Namespace) -> None:
    from .. import datasets

    library, settings = open_library()
    with library:
        path = output_file(options.out, settings, default=settings.home / "reports" / "dataset.html")
        dataset = library.datasets.get(options.id) if options.id else None
        path = datasets.report(library, dataset=dataset, path=path)
    print(path)


def build_dataset(options: argparse.Namespace) -> None:
    from .. import datasets

    library, settings = open_library()
    with library, progress("building") as advance:
        dataset = datasets.build(
            library, kind=options.kind, settings=settings, seed=options.seed, label=getattr(options, "label", ""), progress=advance
        )
    as_json(dataset) if options.json else _describe(dataset, settings.home)


def list_datasets(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        found = library.datasets.all()
    if options.json:
        as_json(found)
        return
    rows = [(dataset.id, dataset.kind, *_counts(dataset).values(), _holds(dataset), minute(dataset.created_at)) for dataset in found]
    heads = ("dataset", "kind", "train", "valid", "test", "later", "in all", "built")
    table(rows, *heads, empty="No datasets yet. Build one with: notewright dataset sft")


def show_dataset(options: argparse.Namespace) -> None:
    from .. import datasets

    library, settings = open_library()
    with library:
        dataset = library.datasets.get(options.id)
    datasets.verify(dataset)
    as_json(dataset) if options.json else _describe(dataset, settings.home)


def _counts(dataset: Dataset) -> dict[str, Any]:
    counts = dataset.manifest.get("counts", {})
    assert isinstance(counts, dict)
    return {split: counts.get(split, 0) for split in ("train", "valid", "test", "later")}


def _holds(dataset: Dataset) -> str:
    """What its rows are, and what a choice gave several of: who ranked eight batches wonders about eighteen rows."""
    total = sum(_counts(dataset).values())
    made: Any = dataset.manifest.get("made_from")
    if not made:  # of another kind, or built by an earlier version
        return count(total, ROWS[dataset.kind])
    rest = f", {made['others']:,} without a choice" if made["others"] else ""
    return f"{count(made['preferences'], 'preference')} from {count(made['choices'], 'choice')} of yours{rest}"


def _describe(dataset: Dataset, home: Path) -> None:
    counts = _counts(dataset)
    facts({"dataset": dataset.id, "kind": dataset.kind, **counts, "in all": _holds(dataset), "folder": home / dataset.path})
    if dataset.kind == "sft" and not any(number for split, number in counts.items() if split != "train"):
        further = "With notes of further sources, five or more in all, some are: notewright pairs"
        say(f"Nothing is held out: no training on this can be measured. {further}")
    left_out = dataset.manifest.get("left_out") or {}
    assert isinstance(left_out, dict)
    choices = dataset.manifest.get("choices_left_out") or {}  # earlier versions counted them among the rows
    assert isinstance(choices, dict)
    for reason, number in choices.items():
        print(f"left out: {count(number, 'choice')} ({reason})")
    for reason, number in left_out.items():
        print(f"left out: {number} ({reason})")
    if cut := dataset.manifest.get("examples_cut"):
        print(f"cut from the prompts: {cut} (notes shown as examples whose sources or chapters only measure, or may come to)")
