"""notewright status"""

from __future__ import annotations

import argparse
from typing import Any

from ..settings import Settings, load_settings
from .show import as_json, count, facts, json_option


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=status)


def status(options: argparse.Namespace) -> None:
    from ..library import Library

    settings = load_settings()
    if not (settings.home / "library.db").exists():
        nothing: dict[str, Any] = {"home": str(settings.home), "counts": {}, "current_model": None, "next": "notewright init --vault PATH"}
        as_json(nothing) if options.json else print(f"No library in {settings.home} yet.\nNext: {nothing['next']}")
        return
    with Library.open(settings.home) as library:
        counts, current = library.counts(), library.models.current()
        unfinished = [run.id for run in library.runs.all() if run.status in ("running", "interrupted")]
        used = current.dataset_id if current else ""
        newest_batch = library.drafts.all()[-1].batch_id if counts["drafts"] else ""
        ranked = {event.subject for event in library.events.all("ranking")}
        trained_on_choices = any(model.role == "dpo" for model in library.models.all())
    step = next_command(settings, counts, bool(current and current.role != "base"), unfinished, newest_batch, ranked, trained_on_choices)
    if options.json:
        as_json({
            "home": settings.home, "vault": settings.vault, "counts": counts, "current_model": current.id if current else None,
            "unfinished_runs": unfinished, "next": step,
        })  # fmt: skip
        return
    missing = settings.vault is not None and not settings.vault.is_dir()
    marks = f", and {count(counts['chapter_marks'], 'chapter mark')}" if counts["chapter_marks"] else ""
    facts({
        "library": settings.home, "vault": f"{settings.vault or 'none'}{' (missing)' if missing else ''}",
        "highlights": f"{count(counts['highlights'], 'highlight')} from {count(counts['sources'], 'source')}{marks}",
        "notes": f"{count(counts['notes'], 'note')}, {count(counts['passages'], 'passage')}",
        "pairs": f"{count(counts['pairs'], 'pair')}, {counts['pairs_accepted']:,} accepted by you",
        "datasets": counts["datasets"],
        "model": f"{current.id} ({current.role}{', from ' + used if used else ''})" if current else "none yet",
        "drafts": f"{count(counts['drafts'], 'draft')}, {count(counts['rankings'], 'ranking')}",
    })  # fmt: skip
    for run_id in unfinished:
        print(f"unfinished: {run_id} (go on with: notewright train sft --resume {run_id})")
    print(f"\nNext: {step}")


def next_command(
    settings: Settings, counts: dict[str, int], trained: bool, unfinished: list[str], newest_batch: str, ranked: set[str], chosen: bool
) -> str:
    """The one command that brings the person furthest now."""
    if settings.vault is None or not settings.vault.is_dir():
        return "notewright init --vault PATH"
    if not counts["highlights"]:
        return "notewright import readwise PATH"
    if not counts["notes"]:
        return "notewright import vault"
    if not counts["pairs"]:
        return "notewright pair"
    if not counts["datasets"]:
        return "notewright dataset sft"
    if not trained:
        return f"notewright train sft --resume {unfinished[0]}" if unfinished else "notewright train sft"
    if newest_batch and newest_batch not in ranked:
        return f"notewright rank {newest_batch}"
    if counts["rankings"] >= 8 and not chosen:
        return "notewright dataset preference && notewright train dpo"
    return "notewright draft --source TITLE"
