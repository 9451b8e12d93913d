/** Leaves, the views in them, and the application around. */

import type { App } from "./app";
import { Component } from "./component";

export class WorkspaceLeaf {
  view: View | null = null;
  containerEl = document.createElement("div");
  constructor(readonly app: App) {}
  async setViewState(state: { type: string; active?: boolean }): Promise<void> {
    if (this.view?.getViewType() === state.type) return;
    const make = this.app.workspace.makers.get(state.type);
    if (!make) throw new Error(`no view ${state.type}`);
    this.view = make(this);
    this.containerEl.replaceChildren(this.view.containerEl);
    this.view.load();
    await this.view.onOpen();
  }
  async detach(): Promise<void> {
    await this.view?.onClose();
    this.view?.unload();
    this.view = null;
    this.containerEl.remove();
  }
}

export abstract class View extends Component {
  app: App;
  icon = "";
  containerEl = document.createElement("div");
  constructor(readonly leaf: WorkspaceLeaf) {
    super();
    this.app = leaf.app;
  }
  abstract getViewType(): string;
  abstract getDisplayText(): string;
  onOpen(): Promise<void> {
    return Promise.resolve();
  }
  onClose(): Promise<void> {
    return Promise.resolve();
  }
}

export abstract class ItemView extends View {
  contentEl = this.containerEl.appendChild(document.createElement("div"));
}
