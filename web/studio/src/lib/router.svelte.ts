/** The address is the state: a page's name and its query, so that reload, back and a second tab show the same. */
class Router {
  path = $state(location.pathname);
  query = $state(new URLSearchParams(location.search));

  constructor() {
    addEventListener("popstate", () => this.read());
  }

  /** Go there; `replace` leaves no step to go back to. */
  go(path: string, query: Record<string, string> = {}, { replace = false } = {}): void {
    const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
    const url = search.size ? `${path}?${search}` : path;
    if (url === location.pathname + location.search) return;
    history[replace ? "replaceState" : "pushState"](null, "", url);
    this.read();
  }

  get(name: string): string {
    return this.query.get(name) ?? "";
  }

  private read(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const router = new Router();
