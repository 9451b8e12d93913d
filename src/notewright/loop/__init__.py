"""It gets better by itself, and never worse: rebuild from the base, measure on held-out work, promote or keep.

improve(library, settings=...)   the verb; can be stopped anywhere and goes on where it was
before      whether anything is new since the last one, and what the person went back from
decide      which contender, if any, is better beyond doubt and harmless elsewhere (pure)
keep        which versions take turns with the current one (pure)
page        what was tried and why the decision fell, as one HTML page
reports     those pages of every one that came to its end, and the one that the next goes on with
versions    two versions side by side on the same highlights
report(library, path=...)   what came of it for this person, as a page to read; `account` has the figures, `curve` the statistics
when        whether there is enough to learn from, and whether enough was judged, and the machine is free, for it to begin by itself
schedule    the lines that let a timer run it at night
"""

from .account import Account, account
from .account_page import account_page, report
from .decide import Contender, Decision, decide
from .improve import ImproveReport, improve
from .reports import Reported, Unfinished, read_page, reports, unfinished
from .schedule import schedule
from .versions import Beside, VersionDiff, diff_versions
from .when import judged_since, lacking, require_enough, unsuitable

__all__ = [
    "Account", "Beside", "Contender", "Decision", "ImproveReport", "Reported", "Unfinished", "VersionDiff", "account", "account_page",
    "decide", "diff_versions", "improve", "judged_since", "lacking", "read_page", "report", "reports", "require_enough",
    "schedule", "unfinished", "unsuitable",
]  # fmt: skip
