"""Bringing highlights and notes in; settings; the Readwise token."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from fastapi import Form, UploadFile
from fastapi.responses import Response

from ... import importers
from ...errors import Invalid, NotewrightError, NotFound
from ...importers import readwise_api
from ...importers.vault import import_vault
from ...library import Library
from ...settings import change_settings
from ...vault import get_template
from ...vault.config import VaultConfig, read_config
from ...vault.files import absent
from ..context import Context, Current, Here, Opened
from ..jobs import Job
from ..problems import make_router
from ..schemas import PathIn, SettingsIn, SettingsOut, SyncIn, TokenIn
from ..schemas_training import JobOut

Kind = Literal["readwise", "kindle"]
router = make_router("import")


@router.post("/import/upload", operation_id="importUpload", status_code=202)
def import_upload(here: Here, file: UploadFile, kind: Annotated[Kind, Form()] = "readwise") -> JobOut:
    """An export file: Readwise's CSV, JSON, Markdown or ZIP, or Kindle's My Clippings.txt."""
    name = PurePosixPath((file.filename or "").replace("\\", "/")).name.replace("\x00", "")[-200:]
    if not name or name in (".", ".."):
        raise Invalid("The file has no name.", "Choose an export file.")
    folder = Path(tempfile.mkdtemp(prefix="notewright-upload-"))
    try:
        with (folder / name).open("wb") as target:
            shutil.copyfileobj(file.file, target)
    except (OSError, UnicodeEncodeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Invalid(f"That file cannot be taken: {error}", "Rename it, or import it by its path.") from error

    return _import(here, folder / name, kind, uploaded_to=folder)


@router.post("/import/path", operation_id="importPath", status_code=202)
def import_path(here: Here, wish: PathIn) -> JobOut:
    """An export file or folder that lies on the server's machine."""
    try:
        path = Path(wish.path).expanduser()
        there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long; ~somebody who does not exist; a null character
        raise Invalid(f"That path cannot be looked at: {error}", "Give the path of an export file or folder.") from error
    if not there:
        raise NotFound(f"There is no {wish.path}.", "Give the path of an export file or folder.")
    return _import(here, path, wish.kind)


def _import(here: Context, path: Path, kind: Kind, *, uploaded_to: Path | None = None) -> JobOut:
    def work(library: Library, job: Job) -> object:
        advance = here.jobs.advance
        try:
            if kind == "kindle":
                return importers.import_clippings(library, path=path, progress=lambda *at: advance(job, *at))
            return importers.import_readwise(library, path=path, vault=here.settings.vault, progress=lambda *at: advance(job, *at))
        except NotewrightError as error:
            if uploaded_to:  # a folder of ours, which is gone in a moment: the person knows the file by its name
                error.message, error.hint = (words.replace(f"{uploaded_to}{os.sep}", "") for words in (error.message, error.hint))
            raise

    tidy = partial(shutil.rmtree, uploaded_to, ignore_errors=True) if uploaded_to else None
    return _start(here, f"Importing {path.name}", work, tidy=tidy)


@router.post("/import/sync", operation_id="importSync", status_code=202)
def import_sync(here: Here, settings: Current, wish: SyncIn) -> JobOut:
    """Ask Readwise itself, with the token that is set."""
    if not readwise_api.find_token(settings):
        raise Invalid("No Readwise token is set.", "Store one first: PUT /api/readwise-token, or notewright token set")

    def work(library: Library, job: Job) -> object:
        token = readwise_api.find_token(here.settings)
        return readwise_api.import_api(library, token=token, full=wish.full, progress=lambda *at: here.jobs.advance(job, *at))

    return _start(here, "Asking Readwise", work)


@router.post("/import/vault", operation_id="importVault", status_code=202)
def import_notes(here: Here, settings: Current) -> JobOut:
    """Read the vault's notes again; only what changed is opened."""
    settings.need_vault()

    def work(library: Library, job: Job) -> object:
        return import_vault(library, settings=here.settings, progress=lambda done, total: here.jobs.advance(job, done, total))

    return _start(here, "Reading the vault", work)


def _start(here: Context, title: str, work: Callable[[Library, Job], object], *, tidy: Callable[[], object] | None = None) -> JobOut:
    def opened(job: Job) -> object:
        with here.open_library() as library:
            return work(library, job)

    return JobOut.of(here.jobs.start("import", title, opened, tidy=tidy))


@router.put("/readwise-token", operation_id="setReadwiseToken", status_code=204)
def set_token(_: Opened, settings: Current, wish: TokenIn) -> Response:
    """Keep the Readwise token in the system's keyring, or in a file only the person can read. It is never shown again."""
    readwise_api.save_token(settings, wish.token)
    return Response(status_code=204)


@router.delete("/readwise-token", operation_id="forgetReadwiseToken", status_code=204)
def forget_token(settings: Current) -> Response:
    readwise_api.forget_token(settings)
    return Response(status_code=204)


@router.get("/settings", operation_id="getSettings")
def get_settings(settings: Current) -> SettingsOut:
    exists = settings.vault is not None and settings.vault.is_dir()
    found = read_config(settings) if exists else VaultConfig()
    return SettingsOut.of(
        settings, home=str(settings.home), vault=str(settings.vault) if settings.vault else None, vault_exists=exists,
        readwise_found=list(found.readwise_folders), templates_found=list(found.templates),
        exclude=list(settings.exclude), absent=list(absent(settings)), readwise_token=readwise_api.token_place(settings),
    )  # fmt: skip


@router.put("/settings", operation_id="changeSettings")
def put_settings(_: Opened, settings: Current, wish: SettingsIn) -> SettingsOut:
    """Change the settings that are given; they are checked first and kept in config.toml."""
    if wish.template and wish.template != settings.template:
        get_template(settings, wish.template)
    return get_settings(change_settings(settings, wish.model_dump(exclude_none=True)))
