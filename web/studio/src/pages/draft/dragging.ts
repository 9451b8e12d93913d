/** Drag a card by its header with mouse, pen or finger. */

export const CARDS = ".cards > .card"; // a text may have something in it that is called so, too

const FAR = 6; // pixels before a press becomes a drag

/** `ondrop` gets the place of the card it was dropped at, and whether it goes before that one. */
export function draggable(handle: HTMLElement, ondrop: (at: number, before: boolean) => void): { destroy(): void } {
  let start: PointerEvent | null = null;
  let moving = false;

  const moves = { pointermove: move, pointerup: up, pointercancel: stop };

  function down(event: PointerEvent): void {
    if (event.button !== 0) return;
    start = event;
    for (const [name, action] of Object.entries(moves)) addEventListener(name, action as EventListener);
  }
  function move(event: PointerEvent): void {
    if (!start || (!moving && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < FAR)) return;
    if (!moving) handle.setPointerCapture(event.pointerId); // keeps the button under it from being pressed
    moving = true;
    mark(target(event));
  }
  function up(event: PointerEvent): void {
    const found = moving ? target(event) : null;
    stop();
    if (found) ondrop(found.at, found.before);
  }
  function stop(): void {
    start = null;
    moving = false;
    mark(null);
    for (const [name, action] of Object.entries(moves)) removeEventListener(name, action as EventListener);
  }
  handle.addEventListener("pointerdown", down);
  return {
    destroy: () => {
      stop();
      handle.removeEventListener("pointerdown", down);
    },
  };
}

function target(event: PointerEvent): { card: HTMLElement; at: number; before: boolean } | null {
  const card = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>(CARDS);
  if (!card) return null;
  const box = card.getBoundingClientRect();
  return { card, at: [...document.querySelectorAll(CARDS)].indexOf(card), before: event.clientX < box.left + box.width / 2 };
}

function mark(found: { card: HTMLElement; before: boolean } | null): void {
  for (const card of document.querySelectorAll<HTMLElement>(".card[data-drop]")) delete card.dataset.drop;
  if (found) found.card.dataset.drop = found.before ? "before" : "after";
}
