"""How much each source counts: a book with two hundred passages should not drown ten articles with one each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Invalid

if TYPE_CHECKING:
    from ..library import Library


_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_PART = re.compile(r'\s*"(?:[^"]|"")*"\s*=[^;]*|[^;]+')


def row_weights(rows: Sequence[Mapping[str, Any]], balance: float, own: Mapping[str, float]) -> list[float]:
    """One weight for each row, with mean 1: the pair's sureness, times its source's number of rows to the power of -`balance`, times the
    person's `own` weight of the source. Raises Invalid where nothing would count."""
    counts = Counter(row.get("source_id", "") for row in rows)
    found = [
        float(row.get("weight", 1.0)) * counts[row.get("source_id", "")] ** -balance * own.get(row.get("source_id", ""), 1.0)
        for row in rows
    ]
    mean = sum(found) / max(1, len(found))
    if rows and not mean:
        raise Invalid(
            "By source_weights no row of the dataset counts: there is nothing to learn from.",
            "Give one of its sources more than 0, or accept pairs of another one and build it again: notewright dataset sft",
        )
    return [weight / mean for weight in found]


def parse(text: str) -> dict[str, float]:
    """`The Nile = 0.2; "Salt; a History" = 2` as a table. Raises Invalid for what is no weight."""
    found, bad = {}, []
    for part in filter(None, map(str.strip, _PART.findall(text))):
        name, _, value = part.rpartition("=")
        name = name.strip()
        if quoted := _QUOTED.fullmatch(name):
            name = quoted[1].replace('""', '"').strip()
        try:
            found[name] = float(value)
        except ValueError:
            bad.append(part)
    bad += [f"{name} = {value:g}" for name, value in found.items() if not name or not 0 <= value <= 100]
    if bad:
        raise Invalid(
            f"source_weights: {'; '.join(bad)} is no weight.",
            "Give titles or ids with numbers from 0 to 100: The Nile = 0.2; Salt = 2. A title with a semicolon stands in double quotes:"
            ' "Salt; a History" = 2',
        )
    return found


def by_id(library: Library, text: str) -> str:
    """The same with ids for titles, as a run keeps it. Raises NotFound for an unknown source, Invalid for what is no weight."""
    ids = {library.sources.find(name).id: value for name, value in parse(text).items()}
    return "; ".join(f"{_as_name(source_id)} = {value:g}" for source_id, value in ids.items())


def _as_name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if ";" in text or '"' in text else text
