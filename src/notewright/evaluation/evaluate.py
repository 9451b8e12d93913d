"""The verb: greedy drafts for a held-out split, measured against the person's passages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .. import gates
from ..errors import Invalid, NotFound
from ..library.database import now
from ..library.rows import load
from ..library.splits import LATER
from ..models import registry
from ..prompts import Message, prompt_id
from ..records import Dataset, Highlight, Model
from ..reward.rules import broken_rules, confirmed_rules, limits_of
from ..settings import Settings
from ..text import edit_distance
from ..vault import build_index, repair_draft
from ..writing import Part, Way, put_together, way_of
from .begun import Begun, Written
from .choices import Reader, judge
from .measures import Copied, copied, coverage, structure_distance
from .report import EvaluationReport, Item, read_report, summarise, write_report

if TYPE_CHECKING:
    from ..library import Library


MEASURING = ("valid", "test")  # of sources that teach nothing
LOOKED_AT = 8  # of the newest reports on a version and split, for drafts that need not be written again


class Writer(Protocol):
    """What evaluation needs of an engine; `models.engine.Engine` is one."""

    def generate(
        self, messages: Sequence[Message], *, n: int, temperature: float, max_new_tokens: int, seed: int, greedy_first: bool
    ) -> Sequence[Any]: ...


def evaluate(
    library: Library,
    *,
    settings: Settings,
    dataset_id: str = "",
    model_id: str = "",
    base: str = "",
    split: str = "test",
    limit: int | None = None,
    examples: bool = False,
    max_new_tokens: int | None = None,
    engine: Writer | None = None,
    again: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationReport:
    """One greedy draft for every row of `split` in a prompt-completion dataset (default: the newest), mended as drafting mends it.

    `model_id` names a version, `base` a plain base instead; with neither it is the current model. `limit` takes the first rows only.
    `examples` puts the retrieved examples into the prompts, as far as these have room for them. A draft has at most `max_new_tokens`, by
    default what its highlights ask for. `engine` replaces the model's own.
    `progress` gets (rows done, rows in all).

    The figures go into the model's metrics (`evaluation`; `edit_distance` for a whole test split; with examples both under names of their
    own, that end in `_with_examples`), the report into the home's logs. Those of a part, or of what teaches, replace none of a whole split
    of sources that only measure. Unless `again`, a draft that an earlier report has is not written anew: this version's, for the same
    prompt, where nothing else that it hangs on has changed. So is none that was written before a call that was broken off.
    Raises Invalid where the split is empty, the dataset is of another kind or the model is a reward model.
    """
    if model_id and base:
        raise Invalid("Name a model or a base, not both.", "Leave out --base to evaluate the model.")
    dataset, rows = held_out(library, dataset_id=dataset_id, split=split, limit=limit)
    model = _model(library, settings, model_id, base)
    registry.require_writer(model)
    index = build_index(settings.vault) if settings.vault and settings.vault.is_dir() else None
    linked, habits = library.notes.links(), gates.habits_of(library, vault_index=index)
    rules = confirmed_rules(library)
    started, items = time.monotonic(), []
    with nullcontext(engine) if engine else closing(registry.open_engine(library, model, device=settings.device)) as writer:
        asked = [row.get("prompt_with_examples") or row["prompt"] if examples else row["prompt"] for row in rows]
        ways = [way_of(writer, messages, longest=max_new_tokens) for messages in asked]
        made = getattr(writer, "makeup", "")
        makeup = f"{made} {max_new_tokens}" if made else ""
        begun = Begun(library.home / "logs" / f"evaluation-{model.id}-{split}.begun.jsonl", makeup)
        known = _written_before(library, f"evaluation-{model.id}-{split}", makeup) if makeup and not again else {}
        drafts = _write(writer, ways, known | begun.drafts(), begun, progress or (lambda *_: None))
        chosen = judge(library, writer, split) if isinstance(writer, Reader) and not limit else ()
    sources = [_source(library, row) for row in rows]
    texts = [
        repair_draft(written.text, highlights=highlights, known=known, vault_index=index, linked=linked, tags=tags).text
        for written, (highlights, known, tags) in zip(drafts, sources, strict=True)
    ]
    copies = _copied(library, rows, texts, sources)
    for row, way, written, text, (highlights, known, _), run in zip(rows, ways, drafts, texts, sources, copies, strict=True):
        findings = gates.check(
            text, highlights=highlights, vault_index=index, known=known, linked=linked, habits=habits, finished=written.finished,
            tokens=written.tokens,
        )  # fmt: skip
        item = _item(row, text, highlights, gates.problems(findings), run)
        broken = tuple(rule.name for rule, _ in broken_rules(rules, text, highlights))
        came = {"prompt": prompt_id(way.messages), "written": written.text, "tokens": written.tokens, "finished": written.finished}
        items.append(replace(item, broken=broken, **came))
    report = summarise(
        items, model_id=model.id, dataset_id=dataset.id, choices=chosen, split=split, examples=examples, created_at=now(),
        seconds=time.monotonic() - started, path=_path(library.home / "logs", f"evaluation-{model.id}-{split}"),
        rules=[rule.name for rule in limits_of(rules)], makeup=makeup,
    )  # fmt: skip
    write_report(report)
    begun.done()
    _keep(library, model, report, part=split not in MEASURING or limit is not None)
    return report


def _keep(library: Library, model: Model, report: EvaluationReport, *, part: bool) -> None:
    """The figures, with the model; those of a part, or of what teaches, never in place of a whole split's."""
    end = "_with_examples" if report.examples else ""
    before = library.models.get(model.id).metrics.get(f"evaluation{end}")
    figures: dict[str, object] = {}
    if not part or not isinstance(before, dict) or before.get("part"):
        figures[f"evaluation{end}"] = report.metrics() | ({"part": True} if part else {})
    if report.split == "test" and not part:
        figures[f"edit_distance{end}"] = report.mean
    library.models.set_metrics(model.id, figures)


def _written_before(library: Library, stem: str, makeup: str) -> dict[str, Written]:
    """The newest reports' drafts of this make-up, by what was asked."""
    logs = library.home / "logs"
    numbered = {int(end): path for path in logs.glob(f"{stem}-*.json") if (end := path.stem.removeprefix(f"{stem}-")).isdecimal()}
    found: dict[str, Written] = {}
    for number in sorted(numbered)[-LOOKED_AT:]:
        with suppress(NotFound, Invalid):  # somebody deleted or damaged it
            report = read_report(numbered[number])
            if report.makeup == makeup:
                found |= {item.prompt: Written(item.written, item.tokens, item.finished) for item in report.items}
    return found


def _write(
    writer: Writer, ways: Sequence[Way], known: Mapping[str, Written], begun: Begun, progress: Callable[[int, int], None]
) -> list[Written]:
    """A greedy draft for each way whose prompt is not `known`: side by side where the writer can, else one after the other. It is empty
    and cut off where not even parts have room: one such passage must not keep the others from being measured."""
    names = [prompt_id(way.messages) for way in ways]
    asked = {name: way for name, way in zip(names, ways, strict=True) if name not in known}
    new = {name: way for name, way in asked.items() if all(_has_room(writer, part) for part in way.parts)}
    drafts = {**known, **{name: Written("", 0, False) for name in asked.keys() - new.keys()}}
    before, done = len(ways) - len(new), 0
    if not new:
        progress(before, len(ways))
    parts = [(name, place, part) for name, way in new.items() for place, part in enumerate(way.parts)]
    written: dict[str, dict[int, Any]] = {name: {} for name in new}
    for number, draft in _each(writer, [part for _, _, part in parts]):
        name, place, _ = parts[number]
        written[name][place] = draft
        if len(written[name]) == len(new[name].parts):
            drafts[name] = Written(*put_together([piece for _, piece in sorted(written[name].items())]))
            begun.keep(name, drafts[name])
            done += 1
            progress(before + done, len(ways))
    return [drafts[name] for name in names]


def _has_room(writer: Writer, part: Part) -> bool:
    try:
        if require := getattr(writer, "require_room", None):  # a remote one knows best
            require(part.messages, part.longest)
    except Invalid:
        return False
    return True


def _each(writer: Writer, parts: Sequence[Part]) -> Iterator[tuple[int, Any]]:
    if each := getattr(writer, "write_each", None):
        yield from each([part.messages for part in parts], max_new_tokens=[part.longest for part in parts])
        return
    for place, part in enumerate(parts):
        (draft,) = writer.generate(part.messages, n=1, temperature=0.0, max_new_tokens=part.longest, seed=0, greedy_first=True)
        yield place, draft


def held_out(
    library: Library, *, dataset_id: str = "", split: str = "test", limit: int | None = None
) -> tuple[Dataset, list[dict[str, Any]]]:
    """A prompt-completion dataset (default: the newest) and its first rows in `split`; Invalid where there are none."""
    dataset = _dataset(library, dataset_id)
    rows = load(dataset, split)[:limit]
    if not rows and split == LATER:
        raise Invalid(
            f"{dataset.id} has no later chapters that only measure.",
            "Some are kept back as you go on: one in six of those that you begin after a first dataset was built.",
        )
    if not rows:
        raise Invalid(
            f"{dataset.id} has no rows in {split}: too few sources are paired to keep one back.",
            "Pair more sources, then build again: notewright dataset sft",
        )
    return dataset, rows


def _dataset(library: Library, dataset_id: str) -> Dataset:
    if dataset_id:
        dataset = library.datasets.get(dataset_id)
        if dataset.kind != "sft":
            raise Invalid(f"{dataset_id} has no passages to measure on: it is a {dataset.kind} dataset.", "Name one of kind sft.")
        return dataset
    known = library.datasets.all("sft")
    if not known:
        raise NotFound("There is no dataset to measure on.", "Build one with: notewright dataset sft")
    return known[-1]


def _model(library: Library, settings: Settings, model_id: str, base: str) -> Model:
    if model_id:
        return library.models.get(model_id)
    return registry.ensure_base_model(library, settings, base=base) if base else registry.current(library, settings)


def _source(library: Library, row: dict[str, Any]) -> tuple[list[Highlight], str, tuple[str, ...]]:
    """The highlights of a row's prompt, what else its source says, and its tags."""
    source = library.sources.get(row["source_id"])
    highlights = [library.sources.highlight(highlight_id) for highlight_id in row["highlight_ids"]]
    return highlights, f"{source.title}\n{source.author}\n{source.summary}", source.tags


def _copied(
    library: Library, rows: Sequence[dict[str, Any]], drafts: Sequence[str], sources: Sequence[tuple[list[Highlight], str, Sequence[str]]]
) -> list[Copied]:
    allowed = [
        "\n".join([row["completion"][0]["content"], known, *(f"{item.text}\n{item.annotation}\n{item.chapter}" for item in highlights)])
        for row, (highlights, known, _) in zip(rows, sources, strict=True)
    ]
    texts = [(draft, said, row["note_path"]) for draft, said, row in zip(drafts, allowed, rows, strict=True)]
    return copied(texts, ((passage.note_path, passage.text) for passage in library.notes.passages()))


def _item(row: dict[str, Any], text: str, highlights: Sequence[Highlight], problems: tuple[str, ...], run: Copied) -> Item:
    from rapidfuzz.distance import Levenshtein

    passage = row["completion"][0]["content"]
    listed = "\n".join(f"- {' '.join(item.text.split())}" for item in highlights)
    return Item(
        pair_id=row["pair_id"], source_id=row["source_id"], note_path=row["note_path"], ned=edit_distance(text.strip(), passage.strip()),
        ned_chars=Levenshtein.normalized_distance(text.strip(), passage.strip()), copied_ned=edit_distance(listed, passage.strip()),
        exact=text.strip() == passage.strip(), problems=problems, draft=text, passage=passage,
        structure=structure_distance(text, passage), coverage=coverage(text, passage, highlights),
        copied_words=run.words, copied_from=run.note_path, former=bool(row.get("former")),
    )  # fmt: skip


def _path(folder: Path, stem: str) -> Path:
    """The first free `stem-N.json`."""
    number = 1
    while (folder / f"{stem}-{number}.json").exists():
        number += 1
    return folder / f"{stem}-{number}.json"
