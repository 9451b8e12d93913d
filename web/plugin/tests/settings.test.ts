/** The settings tab, as Obsidian draws it now and as older versions let us draw it; where the token goes. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULTS } from "../src/settings";
import * as fake from "./obsidian/index";
import { Memory, NOTE, PATH, Played, settle } from "./played";

let played: Played;
const kept = (): unknown => (fake.Plugin.data as { settings: unknown }).settings;
const own = (): unknown => played.app.loadLocalStorage("notewright-address");

beforeEach(async () => {
  fake.Plugin.data = null;
  played = new Played(new Memory({ [PATH]: NOTE }));
  await played.start();
});
afterEach(() => played.stop());

describe.each(["1.12", "1.13"] as const)("the settings in Obsidian %s", (version) => {
  let rows: Map<string, HTMLElement>;
  beforeEach(async () => {
    const [tab] = played.plugin.tabs;
    if (!tab) throw new Error("no tab");
    document.body.append(tab.containerEl);
    tab.open(version);
    tab.open(version); // opened again: nothing stands there twice
    await settle();
    const all = [...tab.containerEl.children] as HTMLElement[];
    rows = new Map(all.map((row) => [row.querySelector("b")?.textContent ?? "", row]));
    expect(rows.size).toBe(all.length);
  });
  const field = (name: string): HTMLInputElement => {
    const found = rows.get(name)?.querySelector<HTMLInputElement>("input, select");
    if (!found) throw new Error(`no field in ${name}`);
    return found;
  };
  const give = (name: string, value: string): void => {
    Object.assign(field(name), { value });
    for (const kind of ["input", "change"]) field(name).dispatchEvent(new Event(kind));
  };

  it("are kept as they are changed", async () => {
    give("Server address", " http://10.0.0.2:9000 ");
    give("Candidates", "4");
    give("Folder for new notes", "/Books/");
    give("Template for new notes", "Book");
    give("Usual heading", "## Notes");
    for (const name of ["Log my later edits", "Log thinking time"]) field(name).click();
    await settle();
    expect(kept()).toEqual({
      ...DEFAULTS, address: "http://10.0.0.2:9000", candidates: 4, folder: "Books", template: "Book", heading: "Notes", logEdits: false, logTime: false,
    });
    expect(own()).toBe("http://10.0.0.2:9000");
    give("Server address", "");
    await settle();
    expect([own(), played.plugin.settings.address]).toEqual([DEFAULTS.address, DEFAULTS.address]);
  });
  it.each(["Server address", "Token"])("take the link that is printed whole in the row %s", async (row) => {
    give(row, " http://192.168.1.5:9000/login?token=fresh-1 ");
    await settle();
    expect(played.plugin.token.get()).toBe("fresh-1");
    expect(own()).toBe("http://192.168.1.5:9000");
    expect(field("Server address").value).toBe("http://192.168.1.5:9000");
    expect(JSON.stringify(fake.Plugin.data)).not.toContain("fresh-1");
  });
  it("take an address without its http://", async () => {
    give("Server address", "localhost:9000");
    await settle();
    expect(own()).toBe("http://localhost:9000");
  });
  it("say in words how the server answers", async () => {
    const row = rows.get("Connection");
    row?.querySelector("button")?.click();
    await settle();
    expect(row?.textContent).toContain("Connected. 1 source, 2 highlights");
    played.server.up = false;
    row?.querySelector("button")?.click();
    await settle();
    expect(row?.textContent).toContain("Start it with: notewright serve");
  });
  it("take the printed link as the token, hidden, and keep it out of data.json", async () => {
    expect(field("Token").type).toBe("password");
    give("Token", "http://127.0.0.1:8765/login?token=fresh");
    give("Candidates", "2");
    await settle();
    expect(played.plugin.token.get()).toBe("fresh");
    expect(JSON.stringify(fake.Plugin.data)).not.toContain("fresh");
    expect(field("Token").placeholder).toBe("A token is set");
  });
});

it("keeps the token on the device where Obsidian has no secret storage, and says so", async () => {
  played.stop();
  const app = new fake.App(played.disk);
  await app.vault.open();
  Object.assign(app, { secretStorage: undefined });
  await played.start(app);
  expect(played.plugin.token.get()).toBe("secret");
  expect(app.loadLocalStorage("notewright-token")).toBe("secret");
  const [tab] = played.plugin.tabs;
  tab?.open("1.12");
  expect(tab?.containerEl.textContent).toContain("no secret storage yet");
  await played.plugin.store();
  expect(JSON.stringify(fake.Plugin.data)).not.toContain("secret");
});
