"""Whole files, old or new and never half: the only code that changes bytes in the vault.

A new file is written beside the old one as a dot file, synced, and renamed over it. A writer that is killed leaves the old note and at
most that dot file, which no one reads and the next write into that folder clears away.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from pathlib import Path

from ..errors import Conflict, Unavailable
from ..text import content_hash

TEMPORARY = ".notewright-part"
_STALE = 3600  # seconds after which another writer's dot file is taken for a dead one's


def read(path: Path) -> bytes:
    """The file's bytes; Unavailable where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


def create(path: Path, data: bytes) -> list[Path]:
    """Make a new file, and the folders it needs: those are returned, outermost first. Conflict when a file appeared there meanwhile."""
    part: Path | None = None
    made: list[Path] = []
    try:
        made = _make_folders(path.parent)
        part = _part(path, data)
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if path.exists():
                raise FileExistsError from None
            os.replace(part, path)
        done, made = made, []
        sync_folder(path.parent)
        return done
    except FileExistsError as error:
        raise Conflict(f"{path} appeared while it was being written; nothing was changed.", "Accept the draft again.") from error
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if part:
            part.unlink(missing_ok=True)
        remove_folders(made)


def replace(path: Path, before: bytes, after: bytes) -> None:
    """Put `after` in place of `before`, or raise Conflict when the file is no longer `before`. Mode, owner and attributes are kept."""
    part: Path | None = None
    try:
        status = path.stat()
        if not status.st_mode & 0o222:
            raise Unavailable(f"{path} is read-only.", "Make the note writable, then try again.")
        _clear_parts(path)
        part = _part(path, after, like=status)
        _keep_attributes(path, part, status)
        if path.is_symlink() or path.read_bytes() != before:
            raise Conflict(f"{path} changed since it was read; nothing was written.", "Read the vault again, then try again.")
        os.replace(part, path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        if part:
            part.unlink(missing_ok=True)
    sync_folder(path.parent)


def keep(backups: Path, data: bytes) -> Path:
    """Store a copy of `data` under its hash; an equal copy is not written twice, but counts as new."""
    target = backups / (content_hash(data).removeprefix("sha256:") + ".md")
    try:
        backups.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.read_bytes() == data:
            os.utime(target)
            return target
        part = _part(target, data)
        os.chmod(part, 0o600)
        os.replace(part, target)
    except OSError as error:
        raise Unavailable(f"No backup could be kept in {backups}: {error.strerror}.", "Nothing was written. Check the disk.") from error
    sync_folder(backups)
    return target


def remove_folders(folders: list[Path]) -> None:
    """Remove folders that we made, innermost first, as far as they are empty."""
    for folder in reversed(folders):
        try:
            folder.rmdir()
        except OSError:
            return


def sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can sync folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _make_folders(folder: Path) -> list[Path]:
    wanted = []
    while not folder.exists():
        wanted.append(folder)
        folder = folder.parent
    made: list[Path] = []
    for item in reversed(wanted):
        try:
            item.mkdir()
        except FileExistsError:
            continue
        except OSError:
            remove_folders(made)
            raise
        made.append(item)
    return made


def _part(path: Path, data: bytes, *, like: os.stat_result | None = None) -> Path:
    """A complete, synced temp file beside `path`; a dot file, so Obsidian does not show it. Secret until it gets its mode from `like`."""
    part = path.with_name(f".{secrets.token_hex(6)}{TEMPORARY}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if like else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _keep_attributes(path: Path, part: Path, status: os.stat_result) -> None:
    """Owner, mode and extended attributes; the time of change is now."""
    mine = part.stat()
    if hasattr(os, "chown") and (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.chown(part, status.st_uid, status.st_gid)
        except PermissionError as error:
            hint = "Write as its owner, or make the note yours (chown)."
            raise Unavailable(f"{path} belongs to another user or group, which would be lost; nothing was written.", hint) from error
    shutil.copystat(path, part)
    os.utime(part)


def _clear_parts(path: Path) -> None:
    """Remove what writers killed over an hour ago left in this folder."""
    for stale in path.parent.glob(f".*{TEMPORARY}"):
        if re.fullmatch(rf"\.[0-9a-f]{{12}}{re.escape(TEMPORARY)}", stale.name) and time.time() - stale.lstat().st_mtime > _STALE:
            stale.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{path} cannot be written: {error.strerror}.", "Check the folder's permissions and the disk.")
