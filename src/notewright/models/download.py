"""Bases from the model hub: only safetensors, with progress, resumed where it broke off, every file's hash checked.

The cache is the hub library's own (`HF_HOME`), so that other programs find the model too and nothing is fetched twice. `HF_ENDPOINT` names
another hub. What has been fetched once works without a network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, NotewrightError, NotFound, Unavailable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

WANTED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "tokenizer*")
UNWANTED = ("original/*", "onnx/*", "runs/*", "consolidated*")  # the same weights again, in other forms
CHUNK = 1 << 20
AT_ONCE = 20_000_000_000  # bytes that are asked for at a time: the hub sends no more than 50 GB in one answer
PART = ".part"  # behind the name of a file of weights that is not whole yet

Progress = Callable[[int, int, str], None]


def snapshot(name: str, revision: str = "") -> Path:
    """The folder of hub model `name`, from the cache or else the hub; what had to be fetched is checked. Raises as `download` does."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    where = f"{name}@{revision}" if revision else name

    def ask(**more: Any) -> Path:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=[*WANTED], ignore_patterns=[*UNWANTED], **more))

    try:
        known = {path.resolve() for path in ask(local_files_only=True).parent.rglob("*")}
    except LocalEntryNotFoundError:
        return download(name, revision)
    folder: Path = _asking(where, ask)
    if any(path.resolve() not in known for path in folder.rglob("*")):  # the hub has another version now, or a file was missing
        return download(name, folder.name)
    if not list(folder.glob("*.safetensors")):
        raise _no_safetensors(where)
    return folder


def download(name: str, revision: str = "", *, progress: Progress | None = None) -> Path:
    """Fetch `name` (or go on with a broken fetch), check every file against the hub's hashes, and return its folder.

    `progress` gets (bytes done, bytes in all, what is being done). Raises NotFound, Unavailable, or Invalid without safetensors, before
    anything is fetched where the hub has only pickles or the disk has too little room; a file that arrived damaged is removed and raises
    Invalid.
    """
    from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache

    where = f"{name}@{revision}" if revision else name
    info = _asking(where, lambda: HfApi().model_info(name, revision=revision or None, files_metadata=True))
    files = [item for item in info.siblings or () if _wanted(item.rfilename)]
    if not any(item.rfilename.endswith(".safetensors") for item in files):
        raise _no_safetensors(where)
    size = sum(item.size or 0 for item in files)
    cache = Path(constants.HF_HUB_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    lacking = [item for item in files if not isinstance(try_to_load_from_cache(name, item.rfilename, revision=info.sha), str)]
    for item in files:
        if item not in lacking:  # another program fetched it
            _blob(cache, name, item, PART).unlink(missing_ok=True)
    begun = sum(part.stat().st_size for item in lacking if (part := _blob(cache, name, item, PART)).exists())
    left = sum(item.size or 0 for item in lacking)
    _require_room(where, left - begun, cache)
    done = size - left
    for item in lacking:
        if item.lfs:
            bar_from = partial(_bar, size, progress, "huggingface_hub.http_get")
            _asking(where, partial(_fetch, where, name, info.sha, item, cache, bar_from, done))
            done += item.size or 0
    bar = _bar(size, progress, "huggingface_hub.snapshot_download", done)
    folder = Path(
        _asking(
            where,
            lambda: snapshot_download(
                name, revision=revision or None, allow_patterns=[*WANTED], ignore_patterns=[*UNWANTED], tqdm_class=bar
            ),
        )
    )
    _check(where, folder, files, size, progress)
    return folder


def _blob(cache: Path, name: str, item: RepoSibling, ending: str = "") -> Path:
    """Where the hub's library keeps a file, by its hash."""
    known = item.lfs.sha256 if item.lfs else item.blob_id
    return cache / ("models--" + name.replace("/", "--")) / "blobs" / f"{known}{ending}"


def _fetch(where: str, name: str, commit: str, item: RepoSibling, cache: Path, bar_from: Callable[[int], type], done: int) -> None:
    """A file of weights into the library's cache, going on with what an earlier fetch left: the library itself throws that away. `bar_from`
    makes a progress bar of what goes on from so many bytes."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    part, whole = _blob(cache, name, item, PART), _blob(cache, name, item)
    part.parent.mkdir(parents=True, exist_ok=True)
    lock = cache / ".locks" / part.parent.parent.name / f"{whole.name}.lock"  # the library's own
    lock.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if whole.exists():  # another program was quicker
            part.unlink(missing_ok=True)
            return
        url = hf_hub_url(name, item.rfilename, revision=commit)
        with part.open("ab") as file:
            while (at := file.tell()) + AT_ONCE < (item.size or 0):
                headers = {**build_hf_headers(), "Range": f"bytes={at}-{at + AT_ONCE - 1}"}
                http_get(url, file, headers=headers, expected_size=AT_ONCE, tqdm_class=bar_from(done + at))
            http_get(url, file, resume_size=at, headers=build_hf_headers(), expected_size=item.size, tqdm_class=bar_from(done))
        if _digest(part, item) != whole.name:
            part.unlink()
            raise _damaged(where, item)
        os.replace(part, whole)


def _wanted(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in WANTED) and not any(fnmatch(path, pattern) for pattern in UNWANTED)


def _no_safetensors(where: str) -> Invalid:
    return Invalid(f"{where} has no safetensors weights; other formats can run code and are refused.", "Choose another base.")


def _require_room(where: str, size: int, cache: Path) -> None:
    """For what is not in the cache yet."""
    free = shutil.disk_usage(cache).free
    if size > free:
        raise Unavailable(
            f"{where} takes {size / 1e9:.1f} GB of disk that are still to be fetched, but {free / 1e9:.1f} GB is free in {cache}.",
            "Make room, choose a smaller base, or set HF_HOME to a folder on another disk.",
        )


def _asking(where: str, ask: Callable[[], Any]) -> Any:
    """What the hub answers, its refusals in our words."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, _, revision = where.partition("@")
    silent: tuple[type[Exception], ...] = (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError, *_network_errors())
    try:
        return ask()
    except NotewrightError:
        raise
    except GatedRepoError as error:
        raise Unavailable(
            f"{name} asks for a licence to be accepted.", f"Accept it at https://huggingface.co/{name}, then: hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise NotFound(f"{name} has no revision {revision!r}.", "Leave @revision out for the newest.") from error
    except RepositoryNotFoundError as error:
        raise NotFound(f"The hub has no model {name!r} (or it is private).", "Check the spelling, or log in with: hf auth login") from error
    except silent as error:
        raise Unavailable(
            f"{where} is not whole on this machine and the model hub does not answer.",
            "Connect and try again (a broken download goes on where it stopped), or use another base (seedling, or a folder):"
            " --base for one training, notewright init --base for all.",
        ) from error


def _network_errors() -> tuple[type[Exception], ...]:
    """What the hub's library lets through when nobody answers; which client it speaks with depends on its version."""
    return tuple(sys.modules[name].HTTPError for name in ("httpx", "httpx2") if name in sys.modules)


def _bar(total: int, progress: Progress | None, name: str, done: int) -> type:
    """A progress bar for the hub's library, of what it does under that name, that tells `progress` and draws nothing."""
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **options: Any) -> None:
            self.told = options.pop("name", "") == name
            super().__init__(*args, **{**options, "disable": False, "file": _Nowhere()})

        def update(self, n: float | None = 1) -> bool | None:
            drawn = super().update(n)
            if progress and self.told:
                progress(min(done + int(self.n), total), total, "fetching")
            return drawn

    return Bar


class _Nowhere:
    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        pass


def _check(where: str, folder: Path, files: Iterable[RepoSibling], size: int, progress: Progress | None) -> None:
    """Compare every file with the hub's hash of it."""
    done = 0
    for item in files:
        path = folder / item.rfilename
        if not path.exists():
            raise Unavailable(f"{item.rfilename} of {where} did not arrive.", "Try again; what has arrived is kept.")

        def advance(read: int, done: int = done) -> None:
            if progress:
                progress(min(done + read, size), size, "checking")

        expected = item.lfs.sha256 if item.lfs else item.blob_id
        if _digest(path, item, advance) != expected and expected:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise _damaged(where, item)
        done += item.size or 0


def _digest(path: Path, item: RepoSibling, advance: Callable[[int], None] | None = None) -> str:
    """The hub's hash of a file: SHA-256 for large files, git's blob hash for small ones."""
    digest: Any = hashlib.sha256() if item.lfs else hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    read = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            read += len(chunk)
            if advance:
                advance(read)
    return str(digest.hexdigest())


def _damaged(where: str, item: RepoSibling) -> Invalid:
    return Invalid(f"{item.rfilename} of {where} arrived damaged and was removed.", "Try again; the other files are kept.")
