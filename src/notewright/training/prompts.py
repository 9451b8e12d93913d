"""What a policy that learns from its own drafts writes them for: the person's prompts, frozen into the run folder.

    prompts.jsonl, prompts-valid.jsonl    one object a line: prompt, reference (the person's own text, may be empty), highlights,
                                          known (what else the source says), kind (of source)

The prompts are those of the dataset's passages. Where a trusted reward judges, prompts of stored drafts join: with the person's version
as the reference if there is one. Sources and chapters that only measure stay out of the training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from ..library import splits
from ..library.copies import long_texts, measuring, mostly_among, texts_of
from ..library.rows import read_rows
from ..prompts import Teaching
from ..records import Dataset, Highlight

if TYPE_CHECKING:
    from ..library import Library

NEWEST = 200  # batches of drafts


def freeze(library: Library, folder: Path, *, dataset: Dataset, with_drafts: bool) -> None:
    """Write the prompts of a dataset, and of the person's drafts, into a run folder."""
    train = gather(library, dataset=dataset, with_drafts=with_drafts)
    valid = list(_of_passages(library, library.home / dataset.path / "valid.jsonl"))
    for name, rows in (("prompts", train), ("prompts-valid", valid)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def gather(library: Library, *, dataset: Dataset, with_drafts: bool) -> list[dict[str, Any]]:
    """The prompts that teach, as they would be frozen now."""
    train = list(_of_passages(library, library.home / dataset.path / "train.jsonl"))
    if with_drafts:
        sides = dataset.manifest.get("sources", {})
        both = {**splits.known(library), **(sides if isinstance(sides, dict) else {})}  # not every source that measures has passages here
        train += _of_drafts(library, both)
    return train


def _of_passages(library: Library, path: Path) -> Iterator[dict[str, Any]]:
    for row in read_rows(path):
        facts = _facts(library, row.get("source_id", ""), row.get("highlight_ids", ()))
        yield {"prompt": row["prompt"], "reference": row.get("told", row["completion"][0]["content"]), **facts}


def _of_drafts(library: Library, sides: Mapping[str, str]) -> list[dict[str, Any]]:
    """One prompt for each of the newest batches that somebody saw; the last edit of any of its drafts is the reference."""
    edited = {event.subject: str(event.payload.get("final_text", "")) for event in library.events.standing("edit")}
    batches: dict[str, dict[str, Any]] = {}
    later = splits.later(library)
    teaching = Teaching(library, later)
    measured = long_texts(measuring(library, sides, later))
    copies: dict[str, bool] = {}  # by batch
    for draft in library.drafts.all(unseen=False):
        side = later.side_of(library, sides.get(draft.source_id, "train"), draft)
        if side != "train" or not draft.messages:
            continue
        if draft.batch_id not in copies:
            copies[draft.batch_id] = bool(measured) and mostly_among(texts_of(library, draft), measured)
        if copies[draft.batch_id]:
            continue
        row = batches.setdefault(draft.batch_id, {"prompt": teaching.cut(draft.messages)[0], "reference": "", "draft": draft})
        row["reference"] = edited.get(draft.id, "") or row["reference"]
    newest = list(batches.values())[-NEWEST:]
    return [
        {"prompt": row["prompt"], "reference": row["reference"], **_facts(library, row["draft"].source_id, row["draft"].highlight_ids)}
        for row in newest
    ]


def _facts(library: Library, source_id: str, highlight_ids: Sequence[str]) -> dict[str, Any]:
    """What the gates ask for; a source or highlight that has vanished since is left out."""
    highlights = []
    for highlight_id in highlight_ids:
        try:
            highlights.append(asdict(library.sources.highlight(highlight_id)))
        except NotFound:
            continue
    try:
        source = library.sources.get(source_id)
    except NotFound:
        return {"highlights": highlights, "known": "", "kind": ""}
    return {"highlights": highlights, "known": f"{source.title}\n{source.author}\n{source.summary}", "kind": source.kind}


def read_highlights(row: dict[str, Any]) -> list[Highlight]:
    """The highlights of a frozen prompt as records again."""
    return [_highlight(table) for table in row["highlights"]]


def _highlight(table: dict[str, Any]) -> Highlight:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return Highlight(**values)
