/** What comes in above the pointer moves what is under it. */

/** While a component is made: with each of the `changes` that it shows the window is scrolled so that what the pointer is at stays under it. */
export function holdPlace(changes: () => unknown): void {
  let at: Element | undefined;
  let was = 0;
  const [root, { style }] = [document.documentElement, document.body];
  $effect.pre(() => {
    changes();
    at = [...document.querySelectorAll("main :hover")].at(-1);
    was = at?.getBoundingClientRect().top ?? 0;
    root.style.overflowAnchor = "none"; // the browser would do the same for the first line in sight, and both be too much
  });
  $effect(() => {
    changes();
    const by = at?.isConnected ? at.getBoundingClientRect().top - was : 0;
    if (by > 0) style.minHeight = `${scrollY + by + innerHeight}px`; // a short page cannot be scrolled
    if (by) scrollBy({ top: by, behavior: "instant" });
    root.style.overflowAnchor = "";
  });
  $effect(() => () => void (style.minHeight = ""));
}
