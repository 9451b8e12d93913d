/** Whether a single letter, digit or sign does something. Who dictates, or hits keys by chance, can have it off; kept in this browser. */
import { keep, recall } from "./kept.ts";

class Letters {
  on = $state(recall("letters", true));

  constructor() {
    this.show();
  }

  toggle(): void {
    this.on = !this.on;
    keep("letters", this.on);
    this.show();
  }

  private show(): void {
    if (this.on) delete document.documentElement.dataset["letters"];
    else document.documentElement.dataset["letters"] = "off"; // for the styles, which then show no keys
  }
}

export const letters = new Letters();
