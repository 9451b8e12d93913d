/** Small things this browser, or this tab alone, remembers. Storage may be full or forbidden: then nothing is kept, and nothing fails. */
type Place = "localStorage" | "sessionStorage";
const PREFIX = "notewright:";

export function recall<T>(name: string, otherwise: T, place: Place = "localStorage"): T {
  try {
    const text = globalThis[place].getItem(PREFIX + name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function keep(name: string, value: unknown, place: Place = "localStorage"): void {
  try {
    const store = globalThis[place]; // which fails where it is forbidden
    if (value === null || value === undefined) store.removeItem(PREFIX + name);
    else store.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}

/** The name and value of what another tab has just kept; null where it was something else. */
export function keptElsewhere({ key, newValue, storageArea }: StorageEvent): { name: string; value: unknown } | null {
  if (storageArea !== localStorage || !key?.startsWith(PREFIX)) return null;
  const name = key.slice(PREFIX.length);
  return { name, value: newValue === null ? null : recall(name, null) };
}
