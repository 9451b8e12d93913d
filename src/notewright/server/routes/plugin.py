"""The Obsidian plugin says that it is there and which notes are open in it, and gets orders to write into them."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import Path, Request

from ...library import Library
from ...library.editors import Order
from ..context import Here, Opened
from ..problems import make_router
from ..schemas_plugin import EditorIn, OrderIn, OrderOut, OrdersOut, OrderStateOut

router = make_router("plugin")
LOOK_EVERY = 0.2  # seconds between two looks for an order
TOUCH_EVERY = 12.0
LONGEST = 20.0  # seconds that a request waits


@router.post("/editors/{client}", operation_id="beThere")
async def be_there(here: Here, request: Request, client: str, editor: EditorIn) -> OrdersOut:
    """Obsidian is open, with these notes in it. Answers with the orders for it: at once, or as soon as there is one."""

    def look(library: Library, *, touch: bool) -> list[Order]:
        if touch:
            library.editors.touch(client)
        return library.editors.waiting(client)

    with await asyncio.to_thread(here.open_library) as library:
        await asyncio.to_thread(library.editors.tell, client, vault=editor.vault, notes=editor.open)
        start = touched = time.monotonic()
        while True:
            touch = time.monotonic() - touched > TOUCH_EVERY
            touched = time.monotonic() if touch else touched
            orders = await asyncio.to_thread(look, library, touch=touch)
            if orders or time.monotonic() - start >= min(editor.wait, LONGEST) or await request.is_disconnected() or here.hub.stopping:
                return OrdersOut(orders=[OrderOut.of(order, **order.body) for order in orders])
            await asyncio.sleep(LOOK_EVERY)


@router.delete("/editors/{client}", operation_id="leave", status_code=204)
def leave(library: Opened, client: str) -> None:
    """This Obsidian is closed, or the plugin is switched off in it."""
    library.editors.leave(client)


@router.post("/orders/{order_id}", operation_id="answerOrder")
def answer_order(library: Opened, order_id: Annotated[int, Path(lt=2**63)], answer: OrderIn) -> OrderStateOut:
    """Take an order, or refuse one that was taken. What was written is told as an insertion that names the order."""
    before = "waiting" if answer.state == "taken" else "taken"
    return OrderStateOut(granted=library.editors.move(order_id, before, answer.state))
