/** Small things this browser remembers. Storage may be full or forbidden: then nothing is kept, and nothing fails. */
export function recall<T>(name: string, otherwise: T, store: Storage = localStorage): T {
  try {
    const text = store.getItem(`notewright:${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function keep(name: string, value: unknown, store: Storage = localStorage): void {
  try {
    if (value === null || value === undefined) store.removeItem(`notewright:${name}`);
    else store.setItem(`notewright:${name}`, JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}
