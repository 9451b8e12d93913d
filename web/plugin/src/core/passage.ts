/** Which passage of a note the cursor is in. The server tells passages as the note was on disk; the editor may have other line ends, or newer words. */

export interface Standing {
  text: string;
}

/** The one of a note's passages, told in its order, that `at` lies in; null where that place is in none, or reads differently by now. */
export function passageAt<P extends Standing>(note: string, at: number, passages: readonly P[]): P | null {
  const flat = note.replace(/\r\n?/g, "\n");
  let from = 0;
  for (const passage of passages) {
    const text = passage.text.replace(/\r\n?/g, "\n");
    const start = text ? flat.indexOf(text, from) : -1;
    if (start < 0) continue;
    if (start <= at && at <= start + text.length) return passage;
    from = start + text.length;
  }
  return null;
}
