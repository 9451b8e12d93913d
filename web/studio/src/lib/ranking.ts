/** The ranking of one batch as a value: groups of ids, best first; ties share a group. Pure, so that keys, buttons and dragging agree. */
export interface Ranking {
  order: string[][];
  rejected: string[];
  tie: boolean; // the next one placed shares the last place
}

export const EMPTY: Ranking = { order: [], rejected: [], tie: false };

const without = (order: string[][], id: string) => order.map((group) => group.filter((item) => item !== id)).filter((group) => group.length);

/** 1 for the best; 0 where the candidate is not placed. */
export const placeOf = (ranking: Ranking, id: string): number => ranking.order.findIndex((group) => group.includes(id)) + 1;

/** Place `id` next; one that is placed already leaves its place. */
export function press(ranking: Ranking, id: string): Ranking {
  if (placeOf(ranking, id)) return { ...ranking, order: without(ranking.order, id), tie: false };
  const rejected = ranking.rejected.filter((item) => item !== id);
  const last = ranking.order.at(-1);
  if (ranking.tie && last) return { order: [...ranking.order.slice(0, -1), [...last, id]], rejected, tie: false };
  return { order: [...ranking.order, [id]], rejected, tie: false };
}

/** `=`: the next one ties with the last placed one. */
export const tie = (ranking: Ranking): Ranking => ({ ...ranking, tie: ranking.order.length > 0 && !ranking.tie });

/** Reject one, or take that back. */
export function reject(ranking: Ranking, id: string): Ranking {
  const back = ranking.rejected.includes(id);
  return {
    order: without(ranking.order, id),
    rejected: back ? ranking.rejected.filter((item) => item !== id) : [...ranking.rejected, id],
    tie: false,
  };
}

/** Take back the last placed one. */
export function unplace(ranking: Ranking): Ranking {
  const last = ranking.order.at(-1)?.at(-1);
  return last ? { ...ranking, order: without(ranking.order, last), tie: false } : ranking;
}

/** `id` is dropped before `before` (null: at the end) among `shown`; all that are not rejected are then ordered as they stand. */
export function drop(ranking: Ranking, shown: string[], id: string, before: string | null): { ranking: Ranking; shown: string[] } {
  if (id === before) return { ranking, shown };
  const others = shown.filter((item) => item !== id);
  const at = before === null ? others.length : others.indexOf(before);
  const next = [...others.slice(0, at), id, ...others.slice(at)];
  const rejected = ranking.rejected.filter((item) => item !== id);
  const order: string[][] = [];
  for (const item of next.filter((item) => !rejected.includes(item))) {
    const last = order.at(-1);
    const neighbour = last?.at(-1);
    const tied = item !== id && neighbour !== undefined && neighbour !== id && placeOf(ranking, item) && placeOf(ranking, item) === placeOf(ranking, neighbour);
    if (tied) last!.push(item);
    else order.push([item]);
  }
  return { ranking: { order, rejected, tie: false }, shown: next };
}

/** Every candidate has a place or is rejected, and something is placed. */
export const isWhole = (ranking: Ranking, ids: string[]): boolean => ids.every((id) => placeOf(ranking, id) || ranking.rejected.includes(id));

export const isEmpty = (ranking: Ranking): boolean => !ranking.order.length && !ranking.rejected.length;

/** In words for people and screen readers: "2 before 1, 3 equal". `name` gives a candidate's number. */
export function told(ranking: Ranking, name: (id: string) => string): string {
  const order = ranking.order.map((group) => group.map(name).join(" = ")).join(" > ");
  const rejected = ranking.rejected.length ? `not ${ranking.rejected.map(name).join(", ")}` : "";
  return [order + (ranking.tie ? " =" : ""), rejected].filter(Boolean).join(" · ");
}
