/** What a rendered text brings along is kept to itself: several stand on one page, in which each id may be there once. */
let made = 0;

/** A beginning of ids that no other text on the page has. */
export const beginning = (): string => `text-${++made}-`;

/** Ids, and what leads to them, get the text's own beginning; all other links open beside the studio, which stays as it is. */
export function setApart(root: HTMLElement, own: string): void {
  for (const marked of root.querySelectorAll("[id]")) marked.id = own + marked.id;
  for (const link of root.querySelectorAll("a[href]")) {
    const target = link.getAttribute("href")!;
    if (target.startsWith("#")) link.setAttribute("href", `#${own}${target.slice(1)}`);
    else link.setAttribute("target", "_blank");
  }
}
