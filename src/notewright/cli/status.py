"""notewright status"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..clock import roughly
from ..settings import load_settings
from .hints import say
from .models import told_online
from .reward import DOES
from .show import as_json, count, facts, json_option

if TYPE_CHECKING:
    from ..importers.vault import Unread
    from ..library.atwork import AtWork


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=status)


def status(options: argparse.Namespace) -> None:
    from .. import overview
    from ..library import Library, was_used

    settings = load_settings()
    if not (settings.home / "library.db").exists() and not was_used(settings.home):
        nothing: dict[str, Any] = {"home": str(settings.home), "counts": {}, "current_model": None, "next": "notewright init --vault PATH"}
        as_json(nothing) if options.json else say(f"No library in {settings.home} yet.\nNext: {nothing['next']}")
        return
    with Library.open(settings.home) as library:
        now = overview.status(library, settings=settings)
    if options.json:
        names = ("id", "seconds", "before")
        improving = {"text": str(now.improving)} | {name: getattr(now.improving, name) for name in names} if now.improving else None
        as_json({
            "home": settings.home, "vault": settings.vault, "counts": now.counts, "current_model": now.current_model or None,
            "unfinished_runs": now.unfinished_runs, "resume": now.resume, "improving": improving, "next": now.next,
            "trust": now.trust, "trust_is_old": now.trust_is_old, "online": now.online, "unread": now.unread,
        })  # fmt: skip
        return
    counts = now.counts
    missing = settings.vault is not None and not settings.vault.is_dir()
    origin = f", from {now.current_dataset}" if now.current_dataset else ""
    marks = f", and {count(counts['chapter_marks'], 'chapter mark')}" if counts["chapter_marks"] else ""
    removed = (
        f" ({count(counts['sources_removed'], 'source')} removed by you: notewright sources restore)" if counts["sources_removed"] else ""
    )
    facts({
        "library": settings.home, "vault": f"{settings.vault or 'none'}{' (missing)' if missing else ''}",
        "highlights": f"{count(counts['highlights'], 'highlight')} from {count(counts['sources'], 'source')}{marks}{removed}",
        "notes": f"{count(counts['notes'], 'note')}, {count(counts['passages'], 'passage')}{_unread(now.unread)}",
        "pairs": f"{count(counts['pairs'], 'pair')}, {counts['pairs_accepted']:,} accepted by you",
        "datasets": counts["datasets"],
        "model": f"{now.current_model} ({now.current_role}{origin})" if now.current_model else "none yet",
        "drafts": f"{count(counts['drafts'], 'draft')}, {count(counts['rankings'], 'ranking')}",
        "rewards": _trusted(now.trust, old=now.trust_is_old),
    })  # fmt: skip
    for line in told_online(now.online):
        say(line)
    if now.improving:
        print(f"improving now: {now.improving}{_lasted(now.improving)}")
    for run_id in now.unfinished_runs:
        go_on = now.resume.get(run_id)
        say(f"unfinished: {run_id} (go on with: {go_on})" if go_on else f"in training: {run_id} (see: notewright runs show {run_id})")
    say(f"\nNext: {now.next}")


def _lasted(now: AtWork) -> str:
    """How long it goes on, as far as that is known."""
    if now.seconds is None:
        return ""
    return f" ({roughly(now.seconds)} so far{'' if now.before is None else f'; the one before took {roughly(now.before)}'})"


def _unread(unread: Unread | None) -> str:
    if unread is None:
        return ""
    told = [f"{number:,} {word}" for number, word in ((unread.new, "new"), (unread.changed, "changed"), (unread.gone, "gone")) if number]
    return f"; since they were read: {', '.join(told)} (read them: notewright import vault)" if told else ""


def _trusted(trust: dict[str, str], *, old: bool) -> str:
    """What the learnt rewards may do."""
    earned = [f"{reward} may {DOES[level]}" for reward, level in trust.items() if level != "nothing"]
    if old:  # judging takes seconds, and more packages than all the rest of the command
        return ("; ".join(earned) or "may order nothing yet") + "; measured before your latest judgements (again: notewright reward)"
    return "; ".join(earned) or "may order nothing yet (see: notewright reward)"
