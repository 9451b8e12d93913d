"""A corpus of a few paragraphs, so that the seedling's tests need no outside data; and the real one where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from notewright.seedling import model_dir
from notewright.seedling.corpora import Corpus, Text, default_folder, load

PARAGRAPHS = (
    "A straight river is an argument that has not met its flood yet. I wrote that on the site hut in 1998, and the flood took the hut.",
    "Slow water keeps its promises. Between 1890 and 1935 the engineers removed 41 bends from a river that had 58.",
    "Mr. Okafor counted the looms twice; the ledger counted them once. Nobody asked which of the two was wrong.",
    "“Leave the log where it fell,” she said. Trout will spawn behind it by the second autumn, and the gravel stays.",
    "Bread that has gone hard is not spoiled, it is unfinished. Soak it in milk, and it becomes a dumpling again.",
    "Every flat map is an argument. The mapmaker chooses what to stretch, and the reader forgets that a choice was made.",
    "Practice without applause is still practice. It is only quieter, and the hands learn what the audience never hears.",
    "The bell rings longer in the empty church. Fill the pews and the sound goes into coats, hats and hymn books.",
)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return Corpus((Text("small", PARAGRAPHS, ("",) * len(PARAGRAPHS)),))


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder of books, outside the repository."""
    found = default_folder()
    if not found.is_dir():
        pytest.skip("the corpora folder is not beside this checkout")
    load(found)
    return found


@pytest.fixture(scope="session")
def bundled() -> Path:
    return model_dir()
