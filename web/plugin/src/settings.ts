import { App, PluginSettingTab, Setting, type SettingDefinitionItem, type TextComponent } from "obsidian";
import type NotewrightPlugin from "./main";

export interface Settings {
  /** This device's own. */
  address: string;
  candidates: number;
  folder: string;
  /** Of new notes: a template's name; empty for the server's own choice. */
  template: string;
  /** Drafts without a heading of their own go under this one, in notes that have it. */
  heading: string;
  logEdits: boolean;
  logTime: boolean;
  quietSeconds: number;
}

export const DEFAULTS: Settings = {
  address: "http://127.0.0.1:8765", candidates: 3, folder: "", template: "", heading: "", logEdits: true, logTime: true, quietSeconds: 60,
};

const SECRET = "notewright-token";

interface Secrets {
  getSecret(id: string): string | null;
  setSecret(id: string, secret: string): void;
}

/** Obsidian's secret storage where there is one (since 1.11.4); else this device's local storage. Neither is synced with the vault. */
export class Token {
  private readonly secrets: Secrets | undefined;

  constructor(private readonly app: App) {
    this.secrets = (app as unknown as { secretStorage?: Secrets }).secretStorage;
  }

  get(): string {
    const kept: unknown = this.secrets ? this.secrets.getSecret(SECRET) : this.app.loadLocalStorage(SECRET);
    return typeof kept === "string" ? kept : "";
  }

  set(token: string): void {
    const clean = fromLink(token).token;
    if (this.secrets) this.secrets.setSecret(SECRET, clean);
    else this.app.saveLocalStorage(SECRET, clean || null);
  }

  inSecrets(): boolean {
    return this.secrets !== undefined;
  }
}

/** People paste the whole link that `notewright serve` prints; `address` is empty where it is a token alone. */
export function fromLink(text: string): { address: string; token: string } {
  const [, address = "", token = text.trim()] = /^\s*(\S*?)\/*login\?(?:\S*&)?token=([^&\s]+)/.exec(text) ?? [];
  return { address, token };
}

/** Drawn by Obsidian itself where it knows definitions, by us where it does not. */
interface Row {
  name: string;
  desc: string;
  render: (row: Setting) => void;
}

export class SettingsTab extends PluginSettingTab {
  private shown: { el: HTMLElement; show: () => void }[] = [];

  constructor(
    app: App,
    private readonly plugin: NotewrightPlugin,
  ) {
    super(app, plugin);
  }

  /** Since Obsidian 1.13: settings that its search finds. */
  override getSettingDefinitions(): SettingDefinitionItem[] {
    return this.rows();
  }

  /** Before that: the same rows. */
  override display(): void {
    this.containerEl.empty();
    for (const { name, desc, render } of this.rows()) render(new Setting(this.containerEl).setName(name).setDesc(desc));
  }

  /** The settings as they are now; what somebody is at stays as it is until they leave it. */
  showAnew(): void {
    for (const { el, show } of this.shown) if (el !== el.ownerDocument.activeElement) show();
  }

  /** A field shows what another device has set, too. */
  private follows(el: HTMLElement, show: () => void): void {
    show();
    this.shown = [...this.shown.filter((other) => other.el.isConnected), { el, show }];
    el.addEventListener("blur", show);
  }

  private rows(): Row[] {
    const { settings, token, keeping } = this.plugin;
    const keep = (change: Partial<Settings>): Promise<void> => keeping.set(change);
    let shown: TextComponent | null = null;
    /** Where a link was pasted its token goes to the secrets, and never into the address. */
    const paste = async (text: string): Promise<boolean> => {
      const { address, token: given } = fromLink(text);
      if (!address) return false;
      token.set(given);
      shown?.setValue(address);
      await keep({ address });
      return true;
    };
    const typed = async (text: string): Promise<void> => {
      const address = text.trim() || DEFAULTS.address;
      if (!(await paste(text))) await keep({ address: address.includes("://") ? address : `http://${address}` });
    };
    return [
      {
        name: "Server address",
        desc: "Where notewright serve listens; the link that it prints sets the token too. Nothing is sent anywhere else.",
        render: (row) => {
          row.addText((field) => (shown = field.setValue(settings.address).onChange(typed))); // no other device sets it
        },
      },
      {
        name: "Token",
        desc: token.inSecrets()
          ? "The link or token that notewright serve prints. Kept in Obsidian's secret storage."
          : "The link or token that notewright serve prints. Kept on this device only; this Obsidian has no secret storage yet.",
        render: (row) => {
          row.addText((field) => {
            field.inputEl.type = "password";
            field.setPlaceholder(token.get() ? "A token is set" : "No token yet").onChange(async (value) => {
              if (value && !(await paste(value))) token.set(value);
            });
          });
        },
      },
      {
        name: "Connection",
        desc: "Ask the server whether all is well.",
        render: (row) => {
          row.addButton((button) =>
            button.setButtonText("Test connection").onClick(async () => {
              row.setDesc("Asking…");
              row.setDesc(await this.plugin.describeConnection());
            }),
          );
        },
      },
      {
        name: "Candidates",
        desc: "How many drafts are shown side by side.",
        render: (row) => {
          row.addSlider((slider) => {
            slider.setLimits(2, 4, 1).onChange((candidates) => void keep({ candidates }));
            this.follows(slider.sliderEl, () => void slider.setValue(settings.candidates));
          });
        },
      },
      {
        name: "Folder for new notes",
        desc: "Where a note is made for a source that has none. Empty: the vault's own place for new notes.",
        render: (row) => {
          row.addText((field) => {
            field.onChange((value) => void keep({ folder: value.trim().replace(/^\/+|\/+$/g, "") }));
            this.follows(field.inputEl, () => void field.setValue(settings.folder));
          });
        },
      },
      {
        name: "Template for new notes",
        desc: "Frames the first draft of a note: properties, headings, assets. The server knows those of your vault and its own.",
        render: (row) => void this.offerTemplates(row),
      },
      {
        name: "Usual heading",
        desc: "Drafts go under this heading in notes that have it, unless another one names the chapter.",
        render: (row) => {
          row.addText((field) => {
            field.onChange((value) => void keep({ heading: value.replace(/^#+\s*/, "").trim() }));
            this.follows(field.inputEl, () => void field.setValue(settings.heading));
          });
        },
      },
      {
        name: "Log my later edits",
        desc: "Tell the server what an accepted draft has become, once you have left it alone for a while. Only the draft's own passage is told.",
        render: (row) => {
          row.addToggle((toggle) => {
            toggle.onChange((logEdits) => void keep({ logEdits }));
            this.follows(toggle.toggleEl, () => void toggle.setValue(settings.logEdits));
          });
        },
      },
      {
        name: "Log thinking time",
        desc: "Send the seconds between seeing drafts and deciding along with your decision.",
        render: (row) => {
          row.addToggle((toggle) => {
            toggle.onChange((logTime) => void keep({ logTime }));
            this.follows(toggle.toggleEl, () => void toggle.setValue(settings.logTime));
          });
        },
      },
    ];
  }

  private async offerTemplates(row: Setting): Promise<void> {
    const { settings, keeping, api } = this.plugin;
    const names = await api.templates().then((found) => found.map((item) => item.name), () => []);
    const offered = new Set([...names, ...(settings.template ? [settings.template] : [])]);
    row.addDropdown((dropdown) => {
      dropdown.addOption("", "The server's choice");
      for (const name of offered) dropdown.addOption(name, name);
      dropdown.onChange((template) => void keeping.set({ template }));
      this.follows(dropdown.selectEl, () => {
        const { template } = settings;
        if (template && !offered.has(template)) dropdown.addOption(template, template);
        offered.add(template);
        dropdown.setValue(template);
      });
    });
  }
}
