"""Hard checks of a draft: is it whole, and does it say only what the highlights say? They stand beside every reward, never inside one.

    check(text, highlights=..., habits=...)   -> findings, each with gate, severity (block or warn), reason and place
    habits_of(library)                        what the person's own finished notes do: which highlights they use, which gates they trip
    supported(text, highlights)               sentence by sentence: how much of it the highlights say, and which of them

The layer contract keeps rewards from importing this package: what a reward could see, training would learn to please.
"""

from .check import GATES, check, problems
from .habits import Habits, habits_of
from .support import Sentence, supported

__all__ = ["GATES", "Habits", "Sentence", "check", "habits_of", "problems", "supported"]
