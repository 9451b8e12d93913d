"""How near a model's drafts come to what the person wrote, on sources it never learnt from.

evaluate(library, model_id=..., dataset_id=..., settings=...)     greedy drafts against the person's passages -> EvaluationReport
held_out(library)       the rows it is measured on
compare(before, after)      paired bootstrap of the difference
sure_of_each(before, afters)     the same of several, of which one could seem better by luck
measures        structure, coverage, words from other notes; `choices`: does the model find likelier what the person chose
plot(reports, path)         per passage, before and after, as a PNG
"""

from .evaluate import evaluate, held_out
from .plot import plot
from .report import Comparison, EvaluationReport, Item, compare, merge, read_report, sure_of_each

__all__ = ["Comparison", "EvaluationReport", "Item", "compare", "evaluate", "held_out", "merge", "plot", "read_report", "sure_of_each"]
