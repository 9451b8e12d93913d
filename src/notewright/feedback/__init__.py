"""What the person does with drafts, stored as given: rankings, decisions, comments, edits, insertions, undos.

rank(library, batch_id=..., order=[["draft-2"], ["draft-1", "draft-3"]])    best first, ties inside a group
decide(...), comment(...), record_edit(...)
preview(...), accept(library, settings=..., draft_id=..., into="Note.md")     what the note would become; and making it so
undo(library)     takes the last of all these back
history(library)  what was done, newest first
export_feedback(library), import_feedback(library, lines)     all of it as JSON lines, out and in
"""

from .accept import Accepted, Preview, accept, preview
from .exchange import Exchanged, export_feedback, import_feedback
from .judge import ASPECTS, CHIPS, DECISIONS, comment, decide, rank, record_edit
from .undo import Action, history, undo

__all__ = [
    "ASPECTS", "CHIPS", "DECISIONS", "Accepted", "Action", "Exchanged", "Preview", "accept", "comment", "decide", "export_feedback",
    "history", "import_feedback", "preview", "rank", "record_edit", "undo",
]  # fmt: skip
