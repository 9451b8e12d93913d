/** What is loaded and unloaded, and cleans up after itself. */

type Listener = (...values: never[]) => unknown;

export class Events {
  private listeners = new Map<string, Listener[]>();
  on(name: string, listener: Listener): { off: () => void } {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return { off: () => this.listeners.set(name, (this.listeners.get(name) ?? []).filter((known) => known !== listener)) };
  }
  trigger(name: string, ...values: unknown[]): void {
    for (const listener of this.listeners.get(name) ?? []) (listener as (...all: unknown[]) => unknown)(...values);
  }
}

export class Component {
  private children: Component[] = [];
  private ends: (() => void)[] = [];
  load(): void {
    this.onload();
  }
  onload(): unknown {
    return undefined;
  }
  onunload(): void {}
  unload(): void {
    this.onunload();
    for (const child of this.children) child.unload();
    for (const end of this.ends) end();
    this.children = [];
    this.ends = [];
  }
  addChild<T extends Component>(child: T): T {
    this.children.push(child);
    child.load();
    return child;
  }
  removeChild<T extends Component>(child: T): T {
    this.children = this.children.filter((known) => known !== child);
    child.unload();
    return child;
  }
  register(end: () => void): void {
    this.ends.push(end);
  }
  registerEvent(event: { off: () => void }): void {
    this.register(event.off);
  }
  registerInterval(id: number): number {
    this.register(() => window.clearInterval(id));
    return id;
  }
  registerDomEvent(element: HTMLElement, name: string, act: (event: never) => unknown): void {
    element.addEventListener(name, act as EventListener);
    this.register(() => element.removeEventListener(name, act as EventListener));
  }
}
