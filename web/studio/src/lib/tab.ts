/** Which tab this is. A tab that is duplicated begins with a copy of what the first one keeps for itself, and that is still the first one's. */
import { randomName } from "../../../api/random.ts";
import { keep, recall } from "./kept.ts";

const PATIENCE = 500; // ms in which a page that is being left gives its name back, and in which another tab says that it has it

/** False where another open tab goes by this tab's name: it then gets one of its own. */
export async function isFirst(): Promise<boolean> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  const take = locks ? (name: string) => hold(locks, name) : ask; // no locks at an address that is neither this machine's nor encrypted
  const known = recall("tab", "", "sessionStorage");
  if (known && (await take(known))) return true;
  const name = randomName();
  keep("tab", name, "sessionStorage");
  void take(name); // nobody else has it
  return !known;
}

/** Hold a name for as long as the page is open; false where another one has it. */
const hold = (locks: LockManager, name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    locks.request(`notewright:tab:${name}`, { signal: AbortSignal.timeout(PATIENCE) }, held).catch(() => resolve(false));
  });

/** Ask the other tabs for a name, and answer those that ask for it later. */
const ask = (name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const tabs = new BroadcastChannel(`notewright:tab:${name}`);
    tabs.onmessage = ({ data }) => {
      if (data === "whose?") return tabs.postMessage("mine");
      tabs.close();
      resolve(false);
    };
    tabs.postMessage("whose?");
    setTimeout(() => {
      tabs.onmessage = ({ data }) => void (data === "whose?" && tabs.postMessage("mine"));
      resolve(true);
    }, PATIENCE);
  });
