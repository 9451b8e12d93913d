import { pack, unpack, type Followed, type Kept } from "./core/follow";
import { merge, type Shared } from "./core/merge";
import { DEFAULTS, type Settings } from "./settings";

/** As it is at work. */
export type Data = Shared<Settings>;
/** data.json. The address in it is where a device begins that has none of its own. */
type OnDisk = Omit<Shared<Partial<Settings>>, "followed"> & Kept;

interface Disk {
  loadData(): Promise<unknown>;
  saveData(data: unknown): Promise<void>;
}

interface Device {
  loadLocalStorage(key: string): unknown;
  saveLocalStorage(key: string, value: unknown): void;
}

const PATIENCE = 300; // milliseconds
const ADDRESS = "notewright-address";

/** The settings, and what must survive a restart: in data.json, which a sync may share among devices. The token is never in it. */
export class Keeping {
  readonly data: Data = { settings: { ...DEFAULTS }, changed: {}, followed: [], outbox: [], delivered: {} };
  private stored = { settings: {} as Partial<Settings>, followed: new Set<Followed>() };
  private seen = ""; // the file as we last read or wrote it
  private turn: Promise<unknown> = Promise.resolve();
  private next: Promise<void> | null = null;

  constructor(
    private readonly disk: Disk,
    private readonly device: Device,
  ) {}

  async load(): Promise<void> {
    this.read(await this.disk.loadData());
    const own = this.device.loadLocalStorage(ADDRESS);
    this.data.settings.address = (typeof own === "string" && own) || this.stored.settings.address || DEFAULTS.address;
  }

  /** What the person has set, which is newer than any copy. */
  async set(change: Partial<Settings>): Promise<void> {
    const { settings, changed } = this.data;
    const news = Object.entries(change).filter(([key, value]) => settings[key as keyof Settings] !== value);
    Object.assign(settings, Object.fromEntries(news));
    for (const [key] of news) if (key !== "address") changed[key] = Date.now();
    if (change.address !== undefined) this.device.saveLocalStorage(ADDRESS, change.address);
    if (news.some(([key]) => key !== "address")) await this.store();
  }

  /** To the disk, with what somebody else may have put there meanwhile. One that has not begun yet is enough for all that ask. */
  store(): Promise<void> {
    return (this.next ??= this.inTurn(async () => {
      this.next = null;
      this.read(await this.found());
      await this.write();
    }));
  }

  /** The file was changed by a sync, or by hand. */
  changedOutside(): Promise<void> {
    return this.inTurn(async () => {
      if (this.read(await this.found())) await this.write();
    });
  }

  /** Of a file that is being written half may be there; one that nobody can read for longer is replaced. */
  private async found(): Promise<unknown> {
    const late = (): Promise<void> => new Promise((resolve) => window.setTimeout(resolve, PATIENCE));
    return this.disk.loadData().catch(() => late().then(() => this.disk.loadData()).catch(() => null));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** True where the file lacks something of ours. */
  private read(data: unknown): boolean {
    const text = JSON.stringify(data ?? null);
    if (!data || text === this.seen) return false;
    const { settings = {}, changed = {}, outbox = [], delivered = {}, ...rest } = data as Partial<OnDisk>;
    const { address, ...shared } = settings;
    const theirs = { settings: shared, changed, outbox, delivered, followed: unpack(rest) };
    const isBehind = merge(this.data, theirs, this.stored, Date.now());
    const { followed } = this.data;
    const stored = followed.filter((item) => theirs.followed.includes(item) || this.stored.followed.has(item));
    this.stored = { settings: { ...shared, ...(address ? { address } : {}) }, followed: new Set(stored) };
    this.seen = text;
    return isBehind;
  }

  private async write(): Promise<void> {
    const { settings: { address: own, ...shared }, followed, ...rest } = this.data;
    const { address = own } = this.stored.settings;
    const settings = { ...shared, address };
    const kept: OnDisk = { settings, ...rest, ...pack(followed) };
    const text = JSON.stringify(kept);
    await this.disk.saveData(kept);
    this.stored = { settings, followed: new Set(followed) };
    this.seen = text;
  }
}
