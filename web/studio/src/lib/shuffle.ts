/** The same order for the same seed, so that a reloaded page and a second tab show what the person saw. FNV-1a and xorshift32. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.codePointAt(0)!, 16777619);
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let warm = 0; warm < 8; warm++) next();
  const result = [...items];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(next() * (at + 1));
    [result[at], result[other]] = [result[other]!, result[at]!];
  }
  return result;
}

/** What is shown in the end, where it was seen growing; more grow than are shown, and what was not seen takes the places of those held back. */
export function settled<T>(places: readonly number[], shown: readonly T[], numberOf: (item: T) => unknown, seed: string): T[] {
  const seen = new Map(places.map((number) => [number, shown.find((item) => numberOf(item) === number)]));
  const others = shuffled(shown.filter((item) => ![...seen.values()].includes(item)), seed);
  const placed = places.map((number) => seen.get(number) ?? others.shift());
  return [...placed.filter((item) => item !== undefined), ...others];
}
