/** Rows of a settings tab, as real form elements. */

export class Setting {
  settingEl: HTMLElement;
  private nameEl: HTMLElement;
  private descEl: HTMLElement;
  constructor(parent: HTMLElement) {
    this.settingEl = parent.appendChild(document.createElement("div"));
    this.nameEl = this.settingEl.appendChild(document.createElement("b"));
    this.descEl = this.settingEl.appendChild(document.createElement("p"));
  }
  setName(name: string): this {
    this.nameEl.textContent = name;
    return this;
  }
  setDesc(text: string): this {
    this.descEl.textContent = text;
    return this;
  }
  addText(fill: (field: TextField) => unknown): this {
    fill(new TextField(this.settingEl));
    return this;
  }
  addButton(fill: (button: Button) => unknown): this {
    fill(new Button(this.settingEl));
    return this;
  }
  addToggle(fill: (toggle: Toggle) => unknown): this {
    fill(new Toggle(this.settingEl));
    return this;
  }
  addSlider(fill: (slider: Slider) => unknown): this {
    fill(new Slider(this.settingEl));
    return this;
  }
  addDropdown(fill: (dropdown: Dropdown) => unknown): this {
    fill(new Dropdown(this.settingEl));
    return this;
  }
}

class Toggle {
  toggleEl: HTMLInputElement;
  constructor(parent: HTMLElement) {
    this.toggleEl = parent.appendChild(document.createElement("input"));
    this.toggleEl.type = "checkbox";
  }
  setValue(on: boolean): this {
    this.toggleEl.checked = on;
    return this;
  }
  onChange(act: (on: boolean) => unknown): this {
    this.toggleEl.addEventListener("change", () => act(this.toggleEl.checked));
    return this;
  }
}

class Slider {
  sliderEl: HTMLInputElement;
  constructor(parent: HTMLElement) {
    this.sliderEl = parent.appendChild(document.createElement("input"));
    this.sliderEl.type = "range";
  }
  setLimits(least: number, most: number, step: number): this {
    Object.assign(this.sliderEl, { min: String(least), max: String(most), step: String(step) });
    return this;
  }
  setValue(value: number): this {
    this.sliderEl.value = String(value);
    return this;
  }
  onChange(act: (value: number) => unknown): this {
    this.sliderEl.addEventListener("change", () => act(Number(this.sliderEl.value)));
    return this;
  }
}

class Dropdown {
  selectEl: HTMLSelectElement;
  constructor(parent: HTMLElement) {
    this.selectEl = parent.appendChild(document.createElement("select"));
  }
  addOption(value: string, display: string): this {
    const option = this.selectEl.appendChild(document.createElement("option"));
    option.value = value;
    option.textContent = display;
    return this;
  }
  setValue(value: string): this {
    this.selectEl.value = value;
    return this;
  }
  onChange(act: (value: string) => unknown): this {
    this.selectEl.addEventListener("change", () => act(this.selectEl.value));
    return this;
  }
}

class TextField {
  inputEl: HTMLInputElement;
  constructor(parent: HTMLElement) {
    this.inputEl = parent.appendChild(document.createElement("input"));
  }
  setValue(value: string): this {
    this.inputEl.value = value;
    return this;
  }
  setPlaceholder(text: string): this {
    this.inputEl.placeholder = text;
    return this;
  }
  onChange(act: (value: string) => unknown): this {
    this.inputEl.addEventListener("input", () => act(this.inputEl.value));
    return this;
  }
}

class Button {
  buttonEl: HTMLButtonElement;
  constructor(parent: HTMLElement) {
    this.buttonEl = parent.appendChild(document.createElement("button"));
  }
  setButtonText(text: string): this {
    this.buttonEl.textContent = text;
    return this;
  }
  setCta(): this {
    return this;
  }
  setDisabled(disabled: boolean): this {
    this.buttonEl.disabled = disabled;
    return this;
  }
  onClick(act: () => unknown): this {
    this.buttonEl.addEventListener("click", () => act());
    return this;
  }
}
