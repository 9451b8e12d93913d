/** What two devices with one synced vault keep in one file: no older copy takes the place of what is newer, whichever of them wrote it last. */

import type { Followed } from "./follow";
import { nameOf, type Letter } from "./outbox";

const REMEMBER = 30 * 86_400_000; // milliseconds for which a copy of the file may be under way

/** `changed`: when the person set which of the settings. `delivered`: letters that have arrived, and when. */
export interface Shared<Settings extends object = object> {
  settings: Settings;
  changed: Record<string, number>;
  followed: Followed[];
  outbox: Letter[];
  delivered: Record<string, number>;
}

/** What the file held when we last read or wrote it. */
export interface Known {
  settings: object;
  followed: ReadonlySet<Followed>;
}

/** Takes into `ours` what `theirs` has that is newer. True where theirs lacks something of ours. */
export function merge(ours: Shared, theirs: Shared, known: Known, now: number): boolean {
  const isSet = mergeSettings(ours, theirs, known.settings);
  const lacking = ours.outbox.some((letter) => !theirs.outbox.some((other) => nameOf(other) === nameOf(letter)) && !(nameOf(letter) in theirs.delivered));
  const untold = theirs.outbox.some((letter) => nameOf(letter) in ours.delivered);
  mergeLetters(ours, theirs, now);
  return mergeFollowed(ours, theirs, known.followed) || isSet || lacking || untold;
}

function mergeSettings(ours: Shared, theirs: Shared, stored: object): boolean {
  const [mine, other, before] = [ours.settings, theirs.settings, stored] as Record<string, unknown>[];
  let isNewer = false;
  for (const key of Object.keys(mine ?? {})) {
    if (!mine || !other || !(key in other)) continue;
    const [here, there] = [ours.changed[key] ?? 0, theirs.changed[key] ?? 0];
    // Of one time: somebody changed the file by hand.
    if (there > here || (there === here && other[key] !== before?.[key])) {
      mine[key] = other[key];
      if (there) ours.changed[key] = there;
    } else isNewer ||= here > there;
  }
  return isNewer;
}

function mergeLetters(ours: Shared, theirs: Shared, now: number): void {
  const delivered = { ...theirs.delivered, ...ours.delivered };
  ours.delivered = Object.fromEntries(Object.entries(delivered).filter(([, at]) => at > now - REMEMBER));
  const mine = new Set(ours.outbox.map(nameOf));
  const all = [...ours.outbox, ...theirs.outbox.filter((letter) => !mine.has(nameOf(letter)))];
  ours.outbox = all.filter((letter) => !(nameOf(letter) in delivered)).sort((one, other) => one.at - other.at);
}

/** A passage that only one of them has is followed by both, unless we have let it go ourselves. Of one that both have, ours stands if we have
 *  looked at it since the file was; no copy brings back the words of one that was told as deleted. */
function mergeFollowed(ours: Shared, theirs: Shared, stored: ReadonlySet<Followed>): boolean {
  const known = new Set([...stored].map((item) => item.draft));
  const there = new Map(theirs.followed.map((item) => [item.draft, item]));
  const here = new Set(ours.followed.map((item) => item.draft));
  const lacks = ours.followed.some((item) => item.gone === undefined && !there.has(item.draft));
  const kept = ours.followed.map((item) => {
    const other = there.get(item.draft);
    const stands = !other || !stored.has(item) || (item.gone !== undefined && other.gone === undefined) || JSON.stringify(item) === JSON.stringify(other);
    return stands ? item : other;
  });
  ours.followed = [...kept, ...theirs.followed.filter((item) => !here.has(item.draft) && !known.has(item.draft))];
  return lacks;
}
