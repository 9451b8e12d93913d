"""What is told of a batch whenever it is shown: why it has fewer candidates than were asked for, which is counted when they are chosen;
and that they were written in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..records import Draft
    from .checking import Checked


def count_fewer(asked: int, written: int, shown: Sequence[Checked], hidden: Sequence[Checked]) -> dict[str, int]:
    """What became of the others of all `written` ones, where fewer than `asked` are shown; empty where as many are."""
    if len(shown) >= asked:
        return {}
    held = [item for item in hidden if item.option.problems]
    aside = [item for item in hidden if item.option.aside and not item.option.problems]
    same = written - len(shown) - len(hidden)
    return {"asked": asked, "written": written, "same": same, "problems": len(held), "aside": len(aside)}


def why_fewer(drafts: Sequence[Draft]) -> str:
    """One sentence for the shown drafts of a batch; empty where they are as many as were asked for, or from before this was counted."""
    told = drafts[0].sampling.get("fewer")
    if not isinstance(told, dict):
        return ""
    same, problems, aside = told["same"], told["problems"], told["aside"]
    reasons = [f"{same} {'was' if same == 1 else 'were'} the same text as another"] if same else []
    reasons += [f"{problems} {'has' if problems == 1 else 'have'} problems"] if problems else []
    reasons += [f"{aside} {'was' if aside == 1 else 'were'} set aside, as the others agree more with each other"] if aside else []
    start = f"{len(drafts)} of {told['asked']}"
    return f"{start}: of {told['written']} written, {'; '.join(reasons)}." if reasons else f"{start}: no more were written."


def told_parts(drafts: Sequence[Draft]) -> str:
    """One sentence where shown drafts were written in parts, else empty."""
    found = next((parts for draft in drafts if isinstance(parts := draft.sampling.get("parts"), list)), None)
    if found is None:
        return ""
    fewest, most = min(found), max(found)
    each = f"{fewest} to {most}" if fewest < most else str(most)
    return f"Written in {len(found)} parts of {each} highlights, {sum(found)} are too many for the model at once."
