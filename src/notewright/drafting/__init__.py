"""Prompt -> candidates -> validated, ordered drafts.

draft(library, settings=..., source="TITLE", chapter="...")     n candidates in one batch, stored
choose(...)             which of the written candidates are shown, and how likely that was; shown_count(library) says how many
in_order(library, drafts)       a batch as the taste sees it now, though it was written before the newest choices
why_fewer(drafts)       in a sentence why a batch shows fewer than were asked for; told_parts(drafts) that it was written in parts
choose_prompt(...)      which highlights a draft is about; named_highlights(...) understands how a person names them
queue(library)          chapters with highlights and no note yet; chapters_left(library, source_id) those of a source without candidates
retrieve_examples(...)  the person's nearest finished passages, shown to the model as earlier exchanges
"""

from .ask import taught_examples
from .choose import Choice, Option, Place, choose, in_order, shown_count
from .draft import draft
from .engines import Engines, memory_watched, release_engine, writing_model
from .examples import retrieve_examples
from .fewer import told_parts, why_fewer
from .highlights import TooMany, choose_prompt, named_highlights
from .queue import chapters_left, queue

__all__ = [
    "Choice", "Engines", "Option", "Place", "TooMany", "chapters_left", "choose", "choose_prompt", "draft", "in_order", "memory_watched",
    "named_highlights", "queue", "release_engine", "retrieve_examples", "shown_count", "taught_examples", "told_parts", "why_fewer",
    "writing_model",
]  # fmt: skip
