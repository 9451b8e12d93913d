"""Sections and blocks: kinds, spans, trails, block ids, and ids that stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notewright.vault.passages import read_parts

NOTE = """---
a: 1
---
Intro ^top

# T
A paragraph
of two lines.

- one
  - two

  still two
- three

^list

## Sub
> [!tip]+ Title
> body
> - x

> plain quote

| a | b |
|---|---|
| 1 | 2 |

```py
x

y
```

$$
z
$$
"""


def test_parts_are_cut_and_named() -> None:
    data = NOTE.encode()
    found = [(part.kind, data[part.start : part.end].decode(), part.headings, part.block_id) for part in read_parts(data)]
    assert found[0] == ("paragraph", "Intro ^top", (), "top")
    assert [kind for kind, *_ in found] == [
        "paragraph", "section", "paragraph", "list", "section", "callout", "quote", "table", "code", "math"
    ]  # fmt: skip
    assert found[1][1].startswith("# T\nA paragraph")
    assert found[1][1].endswith("^list")
    assert found[3] == ("list", "- one\n  - two\n\n  still two\n- three", ("T",), "list")
    assert found[5][1:3] == ("> [!tip]+ Title\n> body\n> - x", ("T", "Sub"))
    assert found[7][1] == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert found[8][1] == "```py\nx\n\ny\n```"
    assert found[9][1] == "$$\nz\n$$"


def test_ids_stay_when_the_rest_changes() -> None:
    before = {part.id for part in read_parts(NOTE.encode()) if part.headings[-1:] == ("Sub",)}
    changed = "More above.\n\n" + NOTE.split("---\n", 2)[2].replace("# T\n", "# Another\n", 1).replace("- one", "- uno")
    after = {part.id for part in read_parts(changed.encode()) if part.headings[-1:] == ("Sub",)}
    assert before == after
    assert len(before) == 6


@given(st.one_of(st.binary(), st.text(alphabet="#> -|`$^a\n\r\t1.%[]!").map(str.encode)))
def test_any_bytes_are_cut_in_order(data: bytes) -> None:
    parts = read_parts(data)
    assert len({part.id for part in parts}) == len(parts)
    blocks = [part for part in parts if part.kind != "section"]
    assert all(0 <= part.start < part.end <= len(data) for part in parts)
    assert all(left.end <= right.start for left, right in zip(blocks, blocks[1:], strict=False))
