"""The last look before a draft goes into a note: what in it leads nowhere, and what of that the person lets stand, by its name."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .. import vault
from ..errors import NotFound
from ..records import Draft, Source
from ..settings import Settings

if TYPE_CHECKING:
    from ..library import Library


def strays_of(library: Library, *, settings: Settings, draft: Draft, text: str) -> tuple[vault.Stray, ...]:
    """(Reason, target) of each asset and link of the draft in `text` that neither its highlights nor the vault have now.

    `text` is the draft, or the person's own version of it: what they put in themselves is theirs, and no stray.
    """
    data = text.encode("utf-8", errors="replace")
    tokens = vault.tokenize(data)
    if all(token.kind in ("text", "newline", "indent") for token in tokens):
        return ()
    try:
        source = library.sources.get(draft.source_id)
    except NotFound:  # the draft outlives it
        source = Source(title="")
    wanted = set(draft.highlight_ids)
    highlights = [item for item in library.sources.highlights(draft.source_id) if item.id in wanted]
    index = vault.build_index(settings.vault) if settings.vault and settings.vault.is_dir() else None
    allowed = vault.Allowed(highlights, f"{source.title}\n{source.author}\n{source.summary}", index, library.notes.links())
    found = dict.fromkeys(vault.strays(data, tokens, allowed))
    if text == draft.text:
        return tuple(found)
    before = draft.text.encode("utf-8", errors="replace")
    written = {target for _, target in vault.strays(before, vault.tokenize(before), allowed)}
    return tuple(stray for stray in found if stray[1] in written)


def unnamed(strays: Collection[vault.Stray], named: Collection[str]) -> tuple[vault.Stray, ...]:
    """Those of the strays that are not among `named`, by target or by reason."""
    return tuple(stray for stray in strays if not set(stray) & set(named))
