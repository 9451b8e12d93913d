"""notewright demo: the main job on the bundled sample, in a throw-away home.

The sample's person is not here to choose, so their finished notes choose for them: of three candidates the one nearest to what they
wrote comes first. Held-out sources are never trained on; their choices go to the held-out part of the preference data.
"""

from __future__ import annotations

import argparse
import difflib
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import RunFailed
from ..library import Library
from ..records import Draft, Model, Pair
from ..settings import Settings, keep_out, load_settings, save_settings
from ..text import edit_distance
from .show import count, facts, given_path, progress, shorten
from .train import TrainingLine

LONGEST = 288  # tokens of a measured passage; the person's longest has 265
CHOICES = 6  # chapters of training sources that get a recorded choice
ACCEPT_INTO = ("What Moss Knows About Cities", "Notes/Articles/What Moss Knows About Cities.md")


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=given_path, metavar="FOLDER", help="do it in this (new) folder and keep it (default: a temporary folder, kept too)"
    )
    parser.add_argument("--effort", choices=("quick", "normal", "thorough"), default="quick", help="how long it trains (default: quick)")
    parser.set_defaults(handler=demo)


def demo(options: argparse.Namespace) -> None:
    from ..sample import copy_sample

    began = time.monotonic()
    if options.keep:
        keep_out(options.keep.absolute() / "sample", load_settings())
    folder = options.keep.absolute() if options.keep else Path(tempfile.mkdtemp(prefix="notewright-demo-"))
    sample = copy_sample(folder / "sample")
    settings = Settings(home=folder / "home", vault=sample / "vault")
    with _not_to_go_on(folder), Library.create(settings.home) as library:
        save_settings(settings)
        _read_and_pair(library, settings, sample)
        distances = _learn(library, settings, options.effort)
        before, after = _accept(library, settings)
    _summary(distances, before, after)
    program = _program()
    print(f"\nDone in {time.monotonic() - began:.0f} s. Go on in this library:\n")
    home = shlex.quote(str(settings.home))
    print(f"  export NOTEWRIGHT_HOME={home}")
    for command in ("status", "sources", "pairs list", f'draft --source "{ACCEPT_INTO[0]}" --chapter "{_next_chapter(settings)}"', "rank"):
        print(f"  {program} {command}")
    print(f"\nOr in the studio:  {program} --home {home} serve --open")
    print(f"Or with your own notes:  {program} init --vault PATH  and  {program} import readwise EXPORT")


def _program() -> str:
    """How this program is called in this shell: by name, or where it is not on the search path by its own (`make demo`) or Python's."""
    if shutil.which("notewright"):
        return "notewright"
    called = Path(sys.argv[0])
    return f"{shlex.quote(sys.executable)} -m notewright" if called.name == "__main__.py" else shlex.quote(str(called))


@contextmanager
def _not_to_go_on(folder: Path) -> Iterator[None]:
    """What a training says of going on is for the library that a command finds by itself, which this one is not."""
    left = f"What was made so far lies in {folder}; nothing goes on from there: begin the demo anew."
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped. {left}") from None
    except RunFailed as failed:
        if "--resume" not in failed.hint:
            raise
        raise RunFailed(failed.message, left) from failed


@contextmanager
def step(title: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"== {title}", flush=True)
    yield
    print(f"   {time.monotonic() - began:.1f} s\n", flush=True)


def _read_and_pair(library: Library, settings: Settings, sample: Path) -> None:
    from ..importers import import_readwise
    from ..importers.vault import import_vault
    from ..pairing import pair

    with step("Import the Readwise CSV, then the same library as the API exports it, then the vault"):
        first = import_readwise(library, path=sample / "readwise.csv")
        second = import_readwise(library, path=sample / "readwise-api.json")
        notes = import_vault(library, settings=settings)
        print(f"   CSV: {count(first.sources_added, 'source')}, {count(first.added, 'highlight')}")
        print(f"   API: {second.added} new (the same ones), {second.updated} completed with ids, links and favourites")
        print(f"   vault: {count(notes.added, 'note')}, {count(library.counts()['passages'], 'passage')}")
    with step("Pair highlights with the passages written from them"):
        report = pair(library, settings=settings)
        print(f"   {count(report.added, 'pair')} proposed")


def _learn(library: Library, settings: Settings, effort: str) -> dict[str, float]:
    from .. import datasets, evaluation, training
    from ..drafting.engines import engine_for
    from ..models import registry

    with step("Freeze the training data, split by source"):
        dataset = datasets.build(library, kind="sft", settings=settings, examples=0)
        counts = dataset.manifest["counts"]
        assert isinstance(counts, dict)
        held_out = [source for source in library.sources.all() if source.id in {row["source_id"] for row in datasets.load(dataset, "test")}]
        print(f"   {counts['train']} training, {counts['valid']} validation, {counts['test']} test passages")
        print(f"   held out: {'; '.join(source.title for source in held_out)}")

    def measure(title: str, model: Model) -> float:
        with step(f"Held-out edit distance, {title}"), progress("writing held-out passages") as advance:
            report = evaluation.evaluate(
                library, model_id=model.id, dataset_id=dataset.id, settings=settings, max_new_tokens=LONGEST, progress=advance,
                engine=engine_for(library, model, device=settings.device),
            )  # fmt: skip
            print(f"   {report.distance}, {report.valid:.0%} valid, {len(report.items)} passages")
        return float(report.mean)

    base = registry.ensure_base_model(library, settings)
    distances = {"before": measure("before training", base)}
    with step("Teach the style: SFT on the training passages"), TrainingLine() as line:
        training.train(library, settings=settings, method="sft", dataset_id=dataset.id, effort=effort, progress=line)
    tuned = library.models.current()
    assert tuned is not None
    distances["after SFT"] = measure("after SFT", tuned)

    gold = {(pair.source_id, pair.headings[-1]): pair for pair in library.pairs.all() if pair.headings}
    training_ids = {row["source_id"] for row in datasets.load(dataset, "train")}
    with step("Three candidates for a held-out chapter, and a recorded choice"):
        pair = next(pair for pair in gold.values() if pair.source_id == held_out[0].id and _chapter(library, pair))
        drafts = _choose(library, settings, pair)
        print(_indent(drafts[0].text))
        print(_why(drafts, pair))
    with step(f"{CHOICES} more choices, on chapters of training sources"), progress("choosing") as advance:
        candidates = [pair for pair in gold.values() if pair.source_id in training_ids and _chapter(library, pair)]
        for done, pair in enumerate(candidates[:: max(1, len(candidates) // CHOICES)][:CHOICES], 1):
            _choose(library, settings, pair)
            advance(done, CHOICES)
        print(f"   {count(library.counts()['rankings'], 'ranking')} recorded: {_teaching(library, training_ids)} teach, a row each,")
        print("   and what was chosen for the held-out chapter above only measures")
    with step("Learn from the choices: DPO"), TrainingLine() as line:
        preferences = datasets.build(library, kind="preference", settings=settings)
        training.train(library, settings=settings, method="dpo", dataset_id=preferences.id, effort=effort, promote=False, progress=line)
    refined = library.models.all()[-1]
    distances["after DPO"] = measure("after DPO", refined)
    if distances["after DPO"] <= distances["after SFT"]:
        registry.use(library, refined.id)
        print(f"   {refined.id} is now the current model.\n")
    else:
        print(f"   {refined.id} is no better on held-out work: {tuned.id} stays the current model.\n")
    if min(distances["after SFT"], distances["after DPO"]) >= distances["before"]:
        raise RunFailed("Nothing improved on the held-out passages.", f"Look into {settings.home / 'runs'}.")
    return distances


def _chapter(library: Library, pair: Pair) -> str:
    """The chapter that the pair's passage is about: its own heading, where the source has a chapter of that name."""
    names = {item.chapter for item in library.sources.highlights(pair.source_id)}
    return pair.headings[-1] if pair.headings[-1] in names else ""


def _choose(library: Library, settings: Settings, pair: Pair) -> list[Draft]:
    """Draft three candidates for the pair's chapter and record the ranking by nearness to what the person wrote; best first."""
    from .. import drafting, feedback

    drafts = drafting.draft(
        library,
        settings=settings,
        source=pair.source_id,
        chapter=_chapter(library, pair),
        n=3,
        written=4,
        temperature=1.0,
        seed=len(pair.id),
        examples=0,  # as in what is measured; with examples beside them DPO reads three times as much
    )
    best_first = sorted(drafts, key=lambda item: edit_distance(item.text, pair.passage_text))
    feedback.rank(library, batch_id=drafts[0].batch_id, order=[[item.id] for item in best_first], comment="chosen by the person's own note")
    return best_first


def _why(best_first: Sequence[Draft], pair: Pair) -> str:
    """Which candidate was chosen, and by what."""
    near = [edit_distance(item.text, pair.passage_text) for item in best_first]
    others = ", ".join(f"{item.position + 1} ({distance:.3f})" for item, distance in zip(best_first[1:], near[1:], strict=True))
    return (
        f"   chosen: candidate {best_first[0].position + 1}, nearest to what the person wrote (edit distance {near[0]:.3f})\n"
        f"   then: {others}; recorded as {best_first[0].batch_id}'s ranking"
    )


def _teaching(library: Library, training_ids: set[str]) -> int:
    """How many of the rankings are on sources that are trained on."""
    return sum(event.payload.get("source") in training_ids for event in library.events.standing("ranking"))


def _accept(library: Library, settings: Settings) -> tuple[str, str]:
    from .. import drafting, feedback

    title, note = ACCEPT_INTO
    path = settings.need_vault() / note
    with step(f"Draft again, for a note that was only begun ({title}), and accept"):
        source = library.sources.find(title)
        chapter = library.sources.highlights(source.id)[0].chapter
        drafts = drafting.draft(library, settings=settings, source=title, chapter=chapter, n=3, written=4, seed=1)
        before = path.read_text(encoding="utf-8")
        feedback.accept(library, settings=settings, draft_id=drafts[0].id, into=note, force=True)
        after = path.read_text(encoding="utf-8")
        if after == before or before.rstrip() not in after:
            raise RunFailed(f"The draft did not arrive in {note}, or harmed it.", "The backup is in the home's backups folder.")
    return before, after


def _next_chapter(settings: Settings) -> str:
    with Library.open(settings.home) as library:
        highlights = library.sources.highlights(library.sources.find(ACCEPT_INTO[0]).id)
    return list(dict.fromkeys(item.chapter for item in highlights))[1]


def _summary(distances: dict[str, float], before: str, after: str) -> None:
    print("== The note, before and after")
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=3)
    print("\n".join("   " + line for line in changes))
    print("\n== What was learnt (edit distance to the person's own held-out passages; 0 is word for word, 1 nothing in common)")
    facts({f"   {name}": f"{value:.3f}  {'█' * round(value * 40)}" for name, value in distances.items()})


def _indent(text: str) -> str:
    return "\n".join("   | " + shorten(line, 110) for line in text.splitlines())
