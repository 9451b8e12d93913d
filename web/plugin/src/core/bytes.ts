/** The server counts bytes of UTF-8 and hashes them; Obsidian counts UTF-16 units. */

const encoder = new TextEncoder();

export async function contentHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(text));
  return "sha256:" + Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The place in `text` that lies `bytes` bytes after its start; null where that is inside of a character or beyond the end. */
export function unitsAt(text: string, bytes: number): number | null {
  let left = bytes;
  let at = 0;
  while (left > 0 && at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    left -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += code < 0x10000 ? 1 : 2;
  }
  return left === 0 ? at : null;
}

export function bytesBefore(text: string, units: number): number {
  return encoder.encode(text.slice(0, units)).length;
}
