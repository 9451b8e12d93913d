"""Prompt -> candidates -> validated, ordered drafts.

draft(library, settings=..., source="TITLE", chapter="...")     n candidates in one batch, stored
choose_prompt(...)      which highlights a draft is about
retrieve_examples(...)  the person's nearest finished passages, shown to the model as earlier exchanges
"""

from .draft import draft, taught_examples
from .engines import release_engine
from .examples import retrieve_examples
from .highlights import choose_prompt

__all__ = ["choose_prompt", "draft", "release_engine", "retrieve_examples", "taught_examples"]
