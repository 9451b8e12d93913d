"""The vault as the accept dialog and the previews need it: notes, headings, pictures, rendered Markdown."""

from __future__ import annotations

from collections import Counter
from typing import Annotated
from urllib.parse import quote

from fastapi import Query
from fastapi.responses import FileResponse

from ... import vault
from ...text import normalise
from ..context import Current, Here, Opened
from ..problems import make_router
from ..schemas import HtmlOut, MarkdownIn, NoteOut, NotePage, NoteRow, TemplateOut
from .sources import Limit, Offset

router = make_router("vault")


@router.get("/notes", operation_id="listNotes")
def list_notes(
    library: Opened,
    q: Annotated[str, Query(max_length=500)] = "",
    source_id: Annotated[str, Query(max_length=1000)] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> NotePage:
    """Notes whose path or aliases hold all words of `q`; those with pairs of `source_id`, or called like it, first."""
    words = normalise(q).split()
    paired = (
        Counter(pair.note_path for pair in library.pairs.all(source_id=source_id) if pair.status != "rejected") if source_id else Counter()
    )
    source = library.browse.source(source_id) if source_id else None
    title = normalise(source.source.title) if source else ""
    found = []
    for note in library.notes.all():
        names = normalise(" ".join((note.path, *note.aliases)))
        if all(word in names for word in words):
            alike = bool(title) and title in (normalise(note.title), *(normalise(item) for item in note.aliases))
            found.append((-paired[note.path], not alike, note.path, note))
    found.sort(key=lambda item: item[:3])
    page = found[offset : offset + limit]
    rows = [NoteRow.of(note, pairs=-pairs, alike=not unlike) for pairs, unlike, _, note in page]
    return NotePage(total=len(found), notes=rows, folder=library.browse.usual_folder(source_id) if source_id else "")


@router.get("/note", operation_id="getNote")
def get_note(settings: Current, path: Annotated[str, Query(min_length=1, max_length=1000)]) -> NoteOut:
    """One note as it stands on the disk now, with its headings; one that does not exist is answered too, with `exists` false."""
    return NoteOut.of(vault.look(settings, path))


@router.get("/templates", operation_id="listTemplates")
def list_templates(settings: Current) -> list[TemplateOut]:
    """What can frame a new note: the person's own templates, of the home and of the vault."""
    return [TemplateOut.of(template) for template in vault.all_templates(settings)]


@router.get("/attachments", operation_id="getAttachment", response_class=FileResponse, responses={200: {"content": {"image/*": {}}}})
def get_attachment(
    settings: Current,
    path: Annotated[str, Query(min_length=1, max_length=1000)],
    note_path: Annotated[str, Query(max_length=1000)] = "",
) -> FileResponse:
    """A picture of the vault, by the name or path that an embed in `note_path` uses."""
    file, media = vault.picture(settings, path, note_path=note_path)
    return FileResponse(file, media_type=media, headers={"cache-control": "private, max-age=60"})


@router.post("/preview", operation_id="preview")
def preview(here: Here, settings: Current, wish: MarkdownIn) -> HtmlOut:
    """Markdown as Obsidian's reading view shows it; blocks carry their byte offsets as `data-start` and `data-end`."""
    there = settings.vault is not None and settings.vault.is_dir()
    shown = vault.preview_text(
        settings, wish.markdown, note_path=wish.note_path, attachment_url=lambda path: f"/api/attachments?path={quote(path)}",
        index=here.index(settings.need_vault().resolve()) if there else None,
    )  # fmt: skip
    return HtmlOut(html=shown.html, problems=list(shown.problems))
