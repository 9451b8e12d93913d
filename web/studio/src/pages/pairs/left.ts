/** Pairs that the person named and that could not be kept, after their dialog was closed: what they chose is there when they name one next. */
import type { Schemas } from "../../lib/api.ts";
import { keep, recall } from "../../lib/kept.ts";

export type Left = Schemas["PairIn"] & { chapter: string };
const all = () => recall<Left[]>("unnamed", []);

export const leave = (pair: Left): void => keep("unnamed", [...all(), pair]);

/** The one that was left last. */
export const left = (): Left | undefined => all().at(-1);

export function forget(pair: Left): void {
  const rest = all().filter((other) => JSON.stringify(other) !== JSON.stringify(pair));
  keep("unnamed", rest.length ? rest : null);
}
