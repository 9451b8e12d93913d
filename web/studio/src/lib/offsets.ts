/** Offsets of the server count characters of Unicode, ours units of UTF-16: the place in `text` of each of its characters, and its end. */
export function characters(text: string): number[] {
  const places = [0];
  for (const letter of text) places.push(places.at(-1)! + letter.length);
  return places;
}
