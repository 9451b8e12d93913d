/** Which tab this is. A tab that is duplicated begins with a copy of what the first one keeps for itself, and that is still the first one's. */
import { keep, recall } from "./kept.ts";

const PATIENCE = 500; // ms in which a page that is being left gives its name back

/** False where another open tab goes by this tab's name: it then gets one of its own. Where the browser has no locks (an address that is
 *  neither this machine's nor encrypted) that cannot be told. */
export async function isFirst(): Promise<boolean> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (!locks) return true;
  const known = recall("tab", "", "sessionStorage");
  if (known && (await take(locks, known))) return true;
  const name = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join("");
  keep("tab", name, "sessionStorage");
  await take(locks, name);
  return !known;
}

/** Hold a name for as long as the page is open; false where another one has it. */
const take = (locks: LockManager, name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    locks.request(`notewright:tab:${name}`, { signal: AbortSignal.timeout(PATIENCE) }, held).catch(() => resolve(false));
  });
