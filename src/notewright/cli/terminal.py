"""What a terminal is shown: highlights, titles and drafts come from elsewhere, and a terminal obeys what it is sent. So does one behind a
pipe: `head` and `less` hand on what they get."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# Each as one sign, so that places in a text stay: ␛ for escape, � for what has no sign of its own. They could move the cursor, hide or
# forge lines, name the window or fill the clipboard.
_SHOWN = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}
_SHOWN |= {0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}
_RETURN = re.compile(r"\r(?!\n)")  # alone it begins the line anew, over what stands there


def plain(text: str) -> str:
    """The text with every control character but tab and newline made visible, one sign for each."""
    if "\r" in text:
        text = _RETURN.sub("␍", text)
    return text if text.isprintable() else text.translate(_SHOWN)


class _Plain:
    """A stream that passes on plain text only. What rich writes is ours and goes by it: rich looks for `rich_proxied_file`."""

    def __init__(self, stream: TextIO) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(plain(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def drawing_console() -> Console:
    """Of standard error, for what rich draws again and again. Meanwhile it puts a stream of its own in the place of `_Plain`, and
    would look no deeper than that."""
    from rich.console import Console

    return Console(file=getattr(sys.stderr, "rich_proxied_file", sys.stderr))


def for_programs() -> TextIO:
    """Standard output for data (JSON): as it is, byte for byte, where it is piped or kept in a file; plain on a terminal."""
    raw: TextIO = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    return sys.stdout if raw.isatty() else raw


@contextmanager
def plain_terminal() -> Iterator[None]:
    """What is printed meanwhile is plain, unless it is written `for_programs`."""
    before: tuple[Any, Any] = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_Plain(stream) if stream is not None else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
