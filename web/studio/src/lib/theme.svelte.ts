/** Light, dark, or as the system says; kept in this browser. */
import { keep, recall } from "./kept.ts";

export type Choice = "auto" | "light" | "dark";

class Theme {
  choice = $state<Choice>(recall<Choice>("theme", "auto"));

  constructor() {
    this.show();
  }

  next(): void {
    this.choice = this.choice === "auto" ? "dark" : this.choice === "dark" ? "light" : "auto";
    keep("theme", this.choice);
    this.show();
  }

  private show(): void {
    if (this.choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}

export const theme = new Theme();
