/** Functions of the API. */

import type { App } from "./app";
import type { Component } from "./component";

export const MarkdownRenderer = {
  /** Headings, bullets and paragraphs are told apart; Obsidian's own does far more. */
  render(_app: App, markdown: string, el: HTMLElement, _path: string, _component: Component): Promise<void> {
    for (const line of markdown.split("\n").filter((text) => text.trim())) {
      const tag = /^#{1,6} /.test(line) ? "h5" : /^[-*+] |^\d+\. /.test(line) ? "li" : "p";
      const row = el.appendChild(document.createElement(tag));
      row.textContent = line.replace(/^(#{1,6}|[-*+]|\d+\.) /, "");
    }
    return Promise.resolve();
  },
};

/** What is shown while the pointer rests on an element. */
export function setTooltip(el: HTMLElement, tooltip: string): void {
  el.setAttribute("aria-label", tooltip);
}

export const Platform = { isMobile: false };

export function normalizePath(path: string): string {
  return path.replace(/[\\/]+/g, "/").replace(/^\/|\/$/g, "").replace(/\u00a0/g, " ").normalize("NFC");
}

const waiting = new Set<number>();

/** What was put off is not done any more, as a test is over. */
export function forget(): void {
  for (const timer of waiting) window.clearTimeout(timer);
  waiting.clear();
}

export function debounce<T extends unknown[]>(act: (...values: T) => unknown, wait = 0, reset = false): ((...values: T) => void) & { cancel(): void } {
  let timer: number | undefined;
  const cancel = (): void => {
    window.clearTimeout(timer);
    if (timer !== undefined) waiting.delete(timer);
    timer = undefined;
  };
  const soon = (...values: T): void => {
    if (timer !== undefined && !reset) return;
    cancel();
    const own = window.setTimeout(() => {
      cancel();
      act(...values);
    }, wait);
    waiting.add((timer = own));
  };
  return Object.assign(soon, { cancel });
}

export async function requestUrl(request: {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  throw?: boolean;
}): Promise<{ status: number; text: string }> {
  const { url, method, headers, body } = request;
  const answer = await fetch(url, { ...(method ? { method } : {}), ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) });
  if (!answer.ok && request.throw !== false) throw new Error(`Request failed, status ${answer.status}`);
  return { status: answer.status, text: await answer.text() };
}
