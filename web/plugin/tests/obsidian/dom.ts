/** What Obsidian adds to every element. */

interface Made {
  cls?: string;
  text?: string;
  attr?: Record<string, string>;
}

const additions = {
  createEl(this: HTMLElement, tag: string, made: Made = {}): HTMLElement {
    const element = this.ownerDocument.createElement(tag);
    if (made.cls) element.className = made.cls;
    if (made.text !== undefined) element.textContent = made.text;
    for (const [name, value] of Object.entries(made.attr ?? {})) element.setAttribute(name, value);
    return this.appendChild(element);
  },
  createDiv(this: HTMLElement, made: Made = {}): HTMLElement {
    return additions.createEl.call(this, "div", made);
  },
  createSpan(this: HTMLElement, made: Made = {}): HTMLElement {
    return additions.createEl.call(this, "span", made);
  },
  empty(this: HTMLElement): void {
    this.replaceChildren();
  },
  setText(this: HTMLElement, text: string): void {
    this.textContent = text;
  },
  addClass(this: HTMLElement, ...names: string[]): void {
    this.classList.add(...names);
  },
  removeClass(this: HTMLElement, ...names: string[]): void {
    this.classList.remove(...names);
  },
  hasClass(this: HTMLElement, name: string): boolean {
    return this.classList.contains(name);
  },
  toggleClass(this: HTMLElement, name: string, on: boolean): void {
    this.classList.toggle(name, on);
  },
};
for (const [name, act] of Object.entries(additions)) {
  Object.defineProperty(Element.prototype, name, { value: act, configurable: true, writable: true });
}
Object.defineProperty(DocumentFragment.prototype, "createEl", { value: additions.createEl, configurable: true, writable: true });
Object.defineProperty(globalThis, "createFragment", { value: () => document.createDocumentFragment(), configurable: true, writable: true });
