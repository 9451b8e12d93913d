"""The cache of measures: by subject and version, NaN included."""

from __future__ import annotations

import math

from notewright.library import Library


def test_measures_come_back_for_their_version_only(library: Library) -> None:
    library.measures.put({"draft-1": (1.5, math.nan), "draft-2": (0.1, 2.0)}, version=1)
    found = library.measures.get(["draft-1", "draft-2", "draft-3"], version=1)
    assert found["draft-2"] == (0.1, 2.0)
    assert found["draft-1"][0] == 1.5
    assert math.isnan(found["draft-1"][1])
    assert set(found) == {"draft-1", "draft-2"}
    assert library.measures.get(["draft-1"], version=2) == {}
    library.measures.put({"draft-1": (3.0,)}, version=2)
    assert library.measures.get(["draft-1"], version=1) == {}


def test_many_subjects_at_once(library: Library) -> None:
    rows = {f"draft-{number}": (float(number),) for number in range(1234)}
    library.measures.put(rows, version=1)
    assert library.measures.get(list(rows), version=1) == rows
