"""A preview as a web page that stands alone: one file, no script, no request to anywhere."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from ..errors import NotFound
from ..settings import Settings, expanded
from .config import read_writing
from .files import locate
from .index import VaultIndex, build_index
from .render import Preview, render
from .resolve import VaultFiles

# Pictures come from files or from the page itself; scripts from nowhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src file: data:{remote}; form-action 'none'; base-uri 'none'"


def find_note(settings: Settings, note: str) -> tuple[str, Path]:
    """(Vault-relative path, file) of the note that `note` names: a path on the disk, a path in the vault, or a link's target."""
    vault = settings.need_vault().resolve()
    given = expanded(note)
    if given.is_file() and given.resolve().is_relative_to(vault):
        return normalize("NFC", given.resolve().relative_to(vault).as_posix()), given
    path = VaultFiles(vault, build_index(vault)).find(note, "")
    if not path.lower().endswith(".md"):
        raise NotFound(f"The vault has no note {note!r}.", "Name it as a link would: by its title, or by its path in the vault.")
    return path, locate(vault, path)


def preview_note(settings: Settings, note: str, *, remote_images: bool = False) -> tuple[str, Preview]:
    """(The page's HTML, the preview in it) of a note of the vault, as it stands on the disk. Raises NotFound."""
    path, file = find_note(settings, note)
    vault = settings.need_vault().resolve()
    known = VaultFiles(vault, build_index(vault))
    preview = render(
        file.read_bytes(), note_path=path, resolver=known, attachment_url=lambda item: locate(vault, item).as_uri(),
        remote_images=remote_images, strict_line_breaks=read_writing(settings).strict_line_breaks,
    )  # fmt: skip
    return page(preview, title=PurePosixPath(path).stem, remote_images=remote_images), preview


def preview_text(
    settings: Settings,
    text: str,
    *,
    note_path: str = "",
    attachment_url: Callable[[str], str | None] | None = None,
    index: VaultIndex | None = None,
) -> Preview:
    """The preview of Markdown that would stand in the note at `note_path`. Without a vault, links and embeds are named only.

    `index` is the vault's, where the caller keeps one at hand.
    """
    if settings.vault is None or not settings.vault.is_dir():
        return render(text, note_path=note_path)
    vault = settings.vault.resolve()
    known = VaultFiles(vault, index or build_index(vault))
    strict = read_writing(settings).strict_line_breaks
    return render(text, note_path=note_path, resolver=known, attachment_url=attachment_url, strict_line_breaks=strict)


def page(preview: Preview, *, title: str, remote_images: bool = False) -> str:
    """The whole page. Light or dark as the reader's system is."""
    style = (files(__package__) / "preview.css").read_text(encoding="utf-8")
    policy = _POLICY.format(remote=" https: http:" if remote_images else "")
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n'
        f'<main class="markdown-preview-view">\n<div class="inline-title">{escape(title)}</div>\n{preview.html}\n</main>\n'
        "</body>\n</html>\n"
    )
