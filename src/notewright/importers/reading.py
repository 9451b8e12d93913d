"""Bytes to text with errors that name the file, the line and what was expected; what sort of file this is."""

from __future__ import annotations

import codecs
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import Invalid, NotFound

EXPECTED = (
    "Expected from readwise.io/export: the CSV, the Markdown folder (or one of its files), or the JSON of /api/v2/export/. From elsewhere: "
    "a CSV with the columns Highlight and Book Title (and, where there are, Book Author, Note, Tags, Location, Highlighted at)."
)
_MAGIC = (
    (b"%PDF", "a PDF"), (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"SQLite format 3", "a database"),
    (b"\x1f\x8b", "a gzip archive"), (b"{\\rtf", "a rich text document"), (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"),
)  # fmt: skip
_MOST_NAMED = 5
_PIECE = 4096  # bytes of an archive that are unpacked at once
LARGEST = 500_000_000  # bytes that the members of an archive may have together; half a megabyte of zeros packed unpacks to that
_BOMS = (  # that of UTF-32 begins as that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One file of an export: its path inside the folder or archive, and its bytes. `written_at`: when it (or its archive) was written, UTC
    as `library.database.now` has it; empty where nobody knows. `fault`: why its bytes are not there, where they could not be read."""

    name: str
    data: bytes
    written_at: str = ""
    fault: Invalid | None = None

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def folder(self) -> str:
        return PurePosixPath(self.name).parent.name


def documents(path: Path) -> Iterator[Document]:
    """The files of an export: one file, a folder (dot folders left out), or the members of a ZIP. In a folder what cannot be read, folders
    too, is a document with a fault."""
    if _is_folder(path):
        yield from _of_folder(path)
        return
    data = read_bytes(path)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):  # the second one is empty
        yield from (replace(member, written_at=_written_at(path)) for member in _members(path.name, data))
    else:
        yield Document(_name(Path(path.name)), data, _written_at(path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise _unreadable(path, error) from error


def _of_folder(top: Path) -> Iterator[Document]:
    files: list[Path] = []
    waiting = [top]
    while waiting:  # os.walk calls itself for each level, of which there may be more than Python allows
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            fault = _unreadable(folder, error)
            if folder == top:
                raise fault from error
            yield Document(_name(folder.relative_to(top)), b"", fault=fault)
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                waiting.append(folder / entry.name)
            elif _wanted(PurePosixPath(entry.name).suffix) and not entry.name.startswith("."):
                files.append(folder / entry.name)
    for file in sorted(files):
        name = _name(file.relative_to(top))
        try:
            if file.is_file():
                archive = file.suffix.lower() == ".zip"  # is named, never opened: a folder of downloads may hold big ones
                yield Document(name, b"" if archive else file.read_bytes(), _written_at(file))
        except OSError as error:
            yield Document(name, b"", fault=_unreadable(file, error))


def _name(path: Path) -> str:
    """A name that the library can keep: of one that is no UTF-8, as an old archive leaves it on Linux, the odd letters are `�`."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _written_at(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="microseconds")


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"There is no file or folder {path}.", "Give the path of your export.") from None
    except IsADirectoryError:
        raise Invalid(f"{path} is a folder.", "Name the file in it.") from None
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> Invalid:
    return Invalid(f"{path} cannot be read: {error.strerror}.", "Check its permissions and try again.")


def _wanted(suffix: str) -> bool:
    return suffix.lower() in (".md", ".markdown", ".csv", ".json", ".jsonl", ".zip")


def _members(name: str, data: bytes) -> Iterator[Document]:
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(info.filename).parts)
                if not info.is_dir() and not hidden and _wanted(PurePosixPath(info.filename).suffix):
                    with archive.open(info) as member:
                        text = _unpacked(member, info, data, left) if info.file_size <= left else b""
                    left -= max(len(text), info.file_size)
                    if left < 0:
                        raise Invalid(
                            f"{name} unpacks to more than {LARGEST // 1_000_000:,} MB, which no export of highlights does.",
                            "If it is yours all the same, unpack it and import the folder.",
                        )
                    yield Document(info.filename, text)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError) as error:
        raise Invalid(f"{name} is a damaged or locked ZIP archive: {error}", "Download the export again.") from error


def _unpacked(member: IO[bytes], info: zipfile.ZipInfo, archive: bytes, most: int) -> bytes:
    """The bytes of a member, or the first ones where they are more than `most`: what the archive says of its sizes need not be true. In
    small pieces, since of LZMA all that is read is unpacked at once."""
    if info.compress_type == zipfile.ZIP_BZIP2:
        return _bunzipped(info, archive)
    pieces, size = [], 0
    while size <= most and (piece := member.read(_PIECE)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _bunzipped(info: zipfile.ZipInfo, archive: bytes) -> bytes:
    """As many bytes as a member says that it has. Of bzip2 the smallest piece may unpack to gigabytes, and `zipfile` sets it no limit."""
    import bz2

    start = info.header_offset
    start += 30 + sum(struct.unpack_from("<HH", archive, start + 26))  # name and extra field, each as long as it says
    unpacker, pieces, size = bz2.BZ2Decompressor(), [], 0
    packed = archive[start : start + info.compress_size]
    while not unpacker.eof and size <= info.file_size and (packed or not unpacker.needs_input):
        pieces.append(unpacker.decompress(packed, _PIECE))
        size, packed = size + len(pieces[-1]), b""
    text = b"".join(pieces)
    if zlib.crc32(text) != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    return text


def decode(document: Document, expected: str = EXPECTED) -> str:
    """The text of a file: UTF-8, or UTF-16 or UTF-32 with its mark. Raises Invalid for anything else, naming the byte and its line, and
    the fault of one that could not be read.

    `expected` is the hint where the file is of another sort altogether.
    """
    data, name = document.data, document.name
    if document.fault:
        raise document.fault
    if not data.strip():
        raise Invalid(f"{name} is empty.", expected)
    what = next((words for magic, words in _MAGIC if data.startswith(magic)), "")
    if what:
        raise Invalid(f"{name} is {what}, not a highlights export.", expected)
    encoding = encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and b"\0" in data[:4096]:
            raise Invalid(f"{name} is a binary file, not a highlights export.", expected) from None
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(
            f"{name}, line {line}: byte 0x{data[error.start]:02x} at offset {error.start} is not {encoding.upper()} text"
            f"{_guess(data) if encoding == 'utf-8' else ''}. Expected UTF-8.",
            "Export it again, or save the file as UTF-8 in your editor and import that.",
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Invalid(f"{name}, line {line}: a zero byte, so this is a binary file or UTF-16 without its mark. Expected UTF-8.", expected)
    if text.lstrip()[:200].casefold().startswith(("<!doctype", "<html", "<?xml")):
        raise Invalid(f"{name}, line 1: this is a web page or XML, not a highlights export.", expected)
    if not text.strip():
        raise Invalid(f"{name} is empty.", expected)
    return text


def encoding_of(data: bytes) -> str:
    """As its mark says."""
    return next((codec for mark, codec in _BOMS if data.startswith(mark)), "utf-8")


def _guess(data: bytes) -> str:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return " (the file looks like Windows-1252 or Latin-1)"


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def refuse(name: str, problems: Iterable[str], hint: str = "Nothing was imported. Export the file again, or mend it.") -> Invalid:
    """One error for all problems of a file."""
    found = list(problems)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Invalid(f"{name}, {found[0]}{more}", hint, [f"{name}, {problem}" for problem in found])
