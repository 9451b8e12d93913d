"""Registered versions: list, show, use, roll back, measure."""

from __future__ import annotations

from fastapi import Request

from ... import loop
from ...library import Library
from ...models import registry
from ...models.turns import deny_change, online
from ..context import Current, Here, Opened
from ..problems import make_router
from ..queueing import Ticket
from ..schemas_training import DriftOut, ModelDetail, ModelOut, ModelPage, OnlineOut, Promotion, VersionDiffIn, VersionDiffOut
from .drafts import until_gone

router = make_router("models")


@router.get("/models", operation_id="listModels")
def list_models(library: Opened, settings: Current) -> ModelPage:
    """All versions and every change of the current one, oldest first; and how the kept ones take turns."""
    current = library.models.current()
    return ModelPage(
        current=current.id if current else "", models=[ModelOut.of(item) for item in library.models.all()],
        promotions=_promotions(library), online=OnlineOut.of(online(library, settings=settings)),
    )  # fmt: skip


@router.get("/models/{model_id}", operation_id="getModel")
def get_model(library: Opened, model_id: str) -> ModelDetail:
    """One version: parents, recipe, metrics, when and why it became the current one."""
    model, current = library.models.get(model_id), library.models.current()
    return ModelDetail(
        model=ModelOut.of(model), current=current is not None and current.id == model_id, recipe=model.recipe,
        parents=[parent.id for parent in registry.lineage(library, model)[1:]],
        promotions=[item for item in _promotions(library) if item.model_id == model_id],
    )  # fmt: skip


@router.post("/models/rollback", operation_id="rollback")
def rollback(library: Opened) -> ModelOut:
    """Go back to the version that was current before."""
    return ModelOut.of(registry.rollback(library))


@router.post("/models/unchanged", operation_id="denyChange")
def unchanged(library: Opened) -> DriftOut:
    """The person did not change, though it looked so: what was before counts fully again, until undone. Answers with what is denied."""
    return DriftOut.of(deny_change(library))


@router.post("/models/{model_id}/use", operation_id="useModel")
def use(library: Opened, model_id: str) -> ModelOut:
    """Make a version the current one; the next draft is written by it."""
    return ModelOut.of(registry.use(library, model_id))


@router.post("/models/diff", operation_id="diffModels")
async def diff(here: Here, request: Request, wish: VersionDiffIn) -> VersionDiffOut:
    """What two versions write from the same highlights, without chance: held-out passages, or a source. Whoever hangs up stops it."""

    def work(ticket: Ticket) -> loop.VersionDiff:
        with here.open_library() as library:
            return loop.diff_versions(
                library, settings=here.settings, before=wish.before, after=wish.after, source=wish.source, chapter=wish.chapter,
                limit=wish.limit, max_new_tokens=wish.max_new_tokens, engines=here.engines, progress=lambda *_: ticket.check(),
            )  # fmt: skip

    return VersionDiffOut.of(await until_gone(here, request, here.queue.submit(work)))


def _promotions(library: Library) -> list[Promotion]:
    return [Promotion(model_id=model_id, at=at, reason=reason) for model_id, at, reason in library.models.promotions()]
