"""A file of the official Readwise plugin, a folder of such files, and what is read of one."""

from __future__ import annotations

from pathlib import Path

from notewright.importers.markdown_file import read_markdown_file
from notewright.records import Source

NBSP = "\u00a0"

ULID = "01jfrm3ytkja4jzgyrfwv5ynpv"

OFFICIAL = f"""# Deep Work

![rw-book-cover](https://covers.example/deep.jpg)

## Metadata
- Author: [[Cal Newport, Someone Else]]
- Full Title: Deep Work: Rules for Focused Success
- Category: #books
- Document Tags: [[focus]] [[work habits]]\x20
- Summary: About attention.
- URL: https://deep.example/a?b=1#c

## Highlights
### Part One
- First highlight. ([Location 223](https://readwise.io/to_kindle?action=open&asin=B00X&location=223))
    - Tags: [[idea]] [[big idea]]\x20
    - Note: A remark
- Several lines:
  1. one
  2. two ([View Highlight](https://read.readwise.io/read/{ULID}))
  - Note: two spaces deep
#### A section
- With a page (Page{NBSP}0)
\t- Tags: [[tab]]
- ![](https://images.example/a.png) ([](https://readwise.io/open/555))
- __Inner highlight__ and a [link](https://x.example) at the end [here](https://y.example)
## New highlights added April 17, 2024 at 5:22 AM
- Added later ^rw987654
- A rule inside
  ---
  <iframe src="https://v.example"></iframe>
- # INTRODUCTION
"""


def parse(text: str, stem: str = "File", folder: str = "") -> Source:
    found = read_markdown_file(text, stem=stem, folder=folder).source
    assert found is not None
    return found


def link(number: int) -> str:
    return f"([View Highlight](https://read.readwise.io/read/01jfrm3ytkja4jzgyrfwv5yn{number:02}))"


def make_folder(folder: Path) -> Path:
    (folder / "Books").mkdir(parents=True)
    (folder / "Books" / "Odd “name” #1 % 📚?.md").write_text(OFFICIAL, encoding="utf-8")
    (folder / "Articles").mkdir()
    (folder / "Articles" / "Plain.md").write_text("## Highlights\n- Only one\n", encoding="utf-8")
    (folder / "Readwise Syncs.md").write_text("log", encoding="utf-8")
    (folder / ".obsidian").mkdir()
    (folder / ".obsidian" / "x.md").write_text(OFFICIAL, encoding="utf-8")
    return folder
