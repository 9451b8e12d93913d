/** What a training tells, as curves: loss, reward and the like by step. Steps that a resumed training did twice count once. */
export interface Curve {
  name: string;
  points: { step: number; value: number }[]; // by step
}

type Event = Record<string, unknown>;
const SHOWN: [event: string, at: string, key: string, name: string][] = [
  ["step", "step", "loss", "Loss"],
  ["step", "step", "reward", "Reward"],
  ["step", "step", "kl", "Distance from the start (KL)"],
  ["check", "at_step", "distance", "Distance of its held-out drafts"],
];

/** The curves there are something to draw of, in the order of `SHOWN`. */
export function curves(events: readonly Event[]): Curve[] {
  return SHOWN.flatMap(([kind, at, key, name]) => {
    const values = new Map<number, number>();
    for (const event of events) {
      const [step, value] = [event[at], event[key]];
      if (event["event"] === kind && typeof step === "number" && typeof value === "number" && Number.isFinite(value)) values.set(step, value);
    }
    const points = [...values].map(([step, value]) => ({ step, value })).toSorted((one, other) => one.step - other.step);
    return points.length ? [{ name, points }] : [];
  });
}
