/** Keyboard shortcuts: which key a press means, and when it means nothing because the person is typing. */
import { recall } from "./kept.ts";

export type Bindings = Record<string, (event: KeyboardEvent) => void>;

const WALKING = ["j", "k", "s", "S", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];
const TYPING = "input:not([type='checkbox']), textarea, select, [contenteditable='true'], [contenteditable=''], .cm-editor";

/** The name of a press: "a", "=", "Enter", "Shift+Enter", "Ctrl+s". Control and Command are the same. */
export function nameOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const key = event.key.length === 1 ? event.key : event.key;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && key.length > 1) parts.push("Shift"); // a single character tells its shift by itself
  return [...parts, key].join("+");
}

/** Run what is bound to the press; true when something was. Typing and open dialogs are left alone; a key that is held down only walks. */
export function handle(event: KeyboardEvent, bindings: Bindings): boolean {
  const target = event.target instanceof Element ? event.target : null;
  if (event.defaultPrevented || event.isComposing || target?.closest(TYPING) || document.querySelector("dialog[open]")) return false;
  const name = nameOf(event);
  if (name === "Enter" && target?.closest("button, a, summary")) return false; // it presses that
  if (name.length === 1 && !recall("letters", true)) return false;
  const action = bindings[name];
  if (!action) return false;
  event.preventDefault();
  if (!event.repeat || WALKING.includes(name)) action(event);
  return true;
}
