"""The forms of what exported feedback tells, as all who read it later rely on them.

A line's name proves that it is whole, not who wrote it. What is taken in stays (events are append-only), so a line that would make each
later command fail, or that leads out of the vault, has to be refused at the door. Kinds and keys that are not known here are taken as they
are: a later version may have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import vault
from ..errors import NotewrightError

# A type, several of them, [the form of each member], or {key: form}; a key with ? may be absent or null, * is any key.
Form = Any
_NUMBER = (int, float)
_SCALAR = (int, float, str)
_REFERENCE = (int, str)  # an event, by number or by name
_SHOWN: Form = [{"draft": str, "model": str, "sampling?": dict, "propensity?": _NUMBER}]
_REMARK: dict[str, Form] = {
    "batch?": str, "source?": str, "chapter?": str, "prompt?": dict, "shown?": _SHOWN, "comment?": str, "chips?": [str], "seconds?": _NUMBER
}  # fmt: skip
_INSERTION: Form = {
    "vault": str, "note_path": str, "start": int, "inserted": str, "before_hash": str, "after_hash": str, "backup?": str, "backups?": str,
    "created?": bool, "folders?": [str],
}  # fmt: skip
_EVENTS: dict[str, Form] = {
    "ranking": {"order": [[str]], "rejected": [str], "aspects?": {"*": [str]}, **_REMARK},
    "decision": {"decision": str, **_REMARK},
    "comment": _REMARK,
    "edit": {
        "final_text": str, "final_hash": str, "before_hash": str, "note_path": str, "distance": _NUMBER, "before?": str, "via?": str,
        "hunks?": [{"kind": str, "before": str, "after": str, "start": int, "to": int}], "spans?": [[int]], "insertion?": _REFERENCE,
        **_REMARK,
    },
    "insertion": {"insertion": _INSERTION, "under?": str, "with": [_REFERENCE], "passage?": [int]},
    "undo": {"events": [_REFERENCE], "kind": str, "note_path?": str},
    "rule": {"action": str, "text?": str, "effect?": {"select?": [str]}, "events?": [_REFERENCE]},
    "belief": {"prefer": str, "value?": _NUMBER},
    "source": {"status": str, "highlights?": [str], "import?": bool, "with?": [_REFERENCE]},
    "pair": {
        "status": str, "named?": bool, "passage?": str, "highlights?": [str], "links_before?": [[_SCALAR]], "with?": [_REFERENCE],
    },
}  # fmt: skip
_DRAFT: Form = {
    "source_id": str, "chapter": str, "model_id": str, "text": str, "position": int, "seed": int, "created_at": str,
    "messages?": [{"role": str, "content": str}], "sampling?": dict, "problems?": [str], "highlight_ids?": [str],
    "findings?": [{"gate": str, "severity": str, "reason": str, "start?": int, "end?": int}], "shown?": bool,
}  # fmt: skip


def wrong_in_draft(line: Mapping[str, Any]) -> str:
    """What no draft is like, in words for a line; empty where all is well."""
    return f"has a draft whose {wrong} is of no known form" if (wrong := _wrong(line, _DRAFT)) else ""


def wrong_in_event(kind: str, payload: Mapping[str, Any]) -> str:
    """The same for an event. A note that it names has to be one that may stand in a vault."""
    if wrong := _wrong(payload, _EVENTS.get(kind, {})):
        return f"has {kind!r} feedback whose {wrong} is of no known form"
    if kind == "insertion":
        table = payload["insertion"]
        try:
            vault.Insertion(**table)
            for path in (table["note_path"], *(f"{folder}/x" for folder in table.get("folders") or ())):
                vault.named(path)
        except (TypeError, NotewrightError):
            return "has an insertion into what is no note of a vault"
    if kind == "pair" and any(len(row) not in (3, 4) for row in payload.get("links_before") or ()):  # as a PairLink has members
        return "has 'pair' feedback whose links_before is of no known form"
    return ""


def _wrong(value: object, form: Form, name: str = "") -> str:
    """The first place that does not have its form; empty where all have."""
    if isinstance(form, list):
        if not isinstance(value, list):
            return name
        return next((wrong for item in value if (wrong := _wrong(item, form[0], name))), "")
    if isinstance(form, dict):
        if not isinstance(value, Mapping):
            return name
        form = dict.fromkeys(value, form["*"]) if "*" in form else form
        places = ((key.removesuffix("?"), key.endswith("?"), inner) for key, inner in form.items())
        told = ((key, inner) for key, optional, inner in places if not (optional and value.get(key) is None))
        return next((wrong for key, inner in told if (wrong := _wrong(value.get(key), inner, key))), "")
    return "" if isinstance(value, form) else name
