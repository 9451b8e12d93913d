"""What the person does with drafts, stored as given: rankings, decisions, comments, edits, insertions, undos.

rank(library, batch_id=..., order=[["draft-2"], ["draft-1", "draft-3"]])    best first, ties inside a group
decide(...), comment(...), record_edit(...)
accept(library, settings=..., draft_id=..., into="Note.md")     writes the draft into the vault
undo(library)     takes the last of all these back
history(library)  what was done, newest first
"""

from .accept import Accepted, accept
from .judge import CHIPS, DECISIONS, comment, decide, rank, record_edit
from .undo import Action, history, undo

__all__ = ["CHIPS", "DECISIONS", "Accepted", "Action", "accept", "comment", "decide", "history", "rank", "record_edit", "undo"]
