/** What has the focus may go when the page changes: a form that is done, a list that is folded, the page itself. The browser would begin at the
 *  top again; here the nearest thing around it that can be told gets the focus, unless what was done has said where it goes. So it is with a button
 *  that cannot be pressed for a while, which gets it back when it can, if nobody went elsewhere. */
import { tick } from "svelte";

const AROUND = "li, article, form, section, aside, dialog, [role='group'], [role='region'], main";

function give(next: HTMLElement): void {
  if (!next.hasAttribute("tabindex")) {
    next.tabIndex = -1; // for now: a click in it is none of it
    next.addEventListener("blur", () => next.removeAttribute("tabindex"), { once: true });
  }
  next.focus({ preventScroll: true });
}

/** What was typed in is left: keys mean the page's again, and Tab goes on from there. */
export function leave(field: HTMLElement): void {
  const next = field.closest<HTMLElement>(AROUND);
  if (next) give(next);
  else field.blur();
}

/** For all in `root`; returns what ends it. */
export function holdFocus(root: HTMLElement): () => void {
  let around: HTMLElement[] = []; // what has it, and what that is in
  let waiting: { button: HTMLElement; place: HTMLElement } | null = null; // `place` has it instead of a button that is disabled
  const lost = () => document.activeElement === document.body || document.activeElement === null;

  function came({ target }: FocusEvent): void {
    around = [];
    for (let one = target as HTMLElement | null; one && root.contains(one); one = one.parentElement) around.push(one);
  }
  /** Left by the person, not taken away: a click beside it. */
  const went = () => queueMicrotask(() => {
    if (around[0]?.isConnected && lost()) around = [];
  });
  const isThere = (one: HTMLElement) => one.isConnected && !one.matches(":disabled");
  async function look(): Promise<void> {
    if (waiting && document.activeElement !== waiting.place) waiting = null;
    if (waiting && isThere(waiting.button)) return waiting.button.focus({ preventScroll: true });
    if (!around.length || isThere(around[0]!)) return;
    const path = around;
    await tick();
    if (path !== around) return;
    around = [];
    const next = path.find((one) => one.isConnected && one.matches(AROUND)) ?? root.querySelector<HTMLElement>("dialog[open], main");
    const [button] = path;
    if (!next || !(lost() || document.activeElement === button) || isThere(button!)) return;
    give(next);
    if (button!.isConnected) waiting = { button: button!, place: next };
  }

  const watcher = new MutationObserver(() => void look());
  watcher.observe(root, { childList: true, subtree: true, attributeFilter: ["disabled"] });
  root.addEventListener("focusin", came);
  root.addEventListener("focusout", went);
  return () => {
    watcher.disconnect();
    root.removeEventListener("focusin", came);
    root.removeEventListener("focusout", went);
  };
}
