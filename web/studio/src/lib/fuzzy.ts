/** Items whose name holds the letters of `words` in order; those with the letters together, and at beginnings of words, come first. */
export function fuzzy<T>(items: readonly T[], words: string, name: (item: T) => string): T[] {
  const wanted = words.toLowerCase().replace(/\s+/g, " ").trim();
  if (!wanted) return [...items];
  return items
    .map((item, place) => ({ item, place, score: scoreOf(name(item).toLowerCase(), wanted) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.place - b.place)
    .map(({ item }) => item);
}

function scoreOf(text: string, wanted: string): number {
  const whole = text.indexOf(wanted);
  if (whole >= 0) return 1000 - Math.min(whole, 500) + (whole === 0 || /[\W_]/.test(text[whole - 1]!) ? 500 : 0);
  let at = -1;
  let score = 1;
  for (const letter of wanted.replace(/ /g, "")) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return 0;
    score += next === at + 1 ? 3 : next === 0 || /[\W_]/.test(text[next - 1]!) ? 2 : 0;
    at = next;
  }
  return score;
}
