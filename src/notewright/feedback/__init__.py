"""What the person does with drafts, stored as given: rankings, decisions, comments, edits, insertions, undos.

rank(library, batch_id=..., order=[["draft-2"], ["draft-1", "draft-3"]])    best first, ties inside a group
decide(...), comment(...), record_edit(...)
judged(library, batch_id)       what counts of all that now
preview(...), accept(library, settings=..., draft_id=..., into="Note.md")     what the note would become; and making it so
record_insertion(...)                           the same for a draft that the plugin has put into a note by itself
infer_template(library, settings=...)          a template proposed from the finished notes; `frame` puts a draft into one
recover(library), prune_backups(...)            after a writer was killed; old copies of notes
capture(library, settings=...)                  stores what the person later changed in inserted passages, wherever they went
watch(library, settings=..., stop=..., report=...)              the same again and again, while the person writes
log_edit(library, draft_id=..., before=..., after=...)          the same, noticed by a face
undo(library, settings=...), undo_last(library, settings=..., number=3)     takes back the last of these, or a few; undoable(...) names them
withdraw(library, batch_id)     takes back what was said of a batch's order and rejected ones
history(library)  what was done, newest first
export_feedback(library), import_feedback(library, lines)     all of it as JSON lines, out and in
"""

from .accept import Accepted, Preview, accept, preview, record_insertion
from .backups import Pruned, prune_backups
from .capture import CaptureReport, capture, log_edit
from .exchange import Exchanged, export_feedback, import_feedback
from .framing import Framed, frame
from .hunks import Hunk, hunks
from .infer import Inferred, infer_template, template_slots
from .journal import recover
from .judge import ASPECTS, CHIPS, DECISIONS, comment, decide, rank, record_edit
from .judged import Judged, judged
from .undo import Action, Undoable, history, undo, undo_last, undoable, withdraw
from .watching import watch

__all__ = [
    "ASPECTS",
    "Accepted",
    "Action",
    "CHIPS",
    "CaptureReport",
    "DECISIONS",
    "Exchanged",
    "Framed",
    "Hunk",
    "Inferred",
    "Judged",
    "Preview",
    "Pruned",
    "Undoable",
    "accept",
    "capture",
    "comment",
    "decide",
    "export_feedback",
    "frame",
    "history",
    "hunks",
    "import_feedback",
    "infer_template",
    "judged",
    "log_edit",
    "preview",
    "prune_backups",
    "rank",
    "record_edit",
    "record_insertion",
    "recover",
    "template_slots",
    "undo",
    "undo_last",
    "undoable",
    "watch",
    "withdraw",
]
