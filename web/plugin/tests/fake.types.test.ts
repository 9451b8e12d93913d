/** The fake has what the published types say, as far as the plugin uses it. Checked by the compiler; running it only shows that it exists. */

import type * as Real from "obsidian";
import { expect, it } from "vitest";
import * as fake from "./obsidian/index";

type Same<Fake, Actual, Keys extends keyof Fake & keyof Actual> = {
  [Key in Keys]: Actual[Key] extends (...values: infer Given) => infer Answer
    ? Fake[Key] extends (...values: never[]) => infer FakeAnswer
      ? [Parameters<Extract<Fake[Key], (...values: never[]) => unknown>>["length"] extends Given["length"] ? true : Given["length"], Answer extends Promise<unknown> ? (FakeAnswer extends Promise<unknown> ? true : never) : true]
      : never
    : true;
};

// A name that Obsidian does not have, or an answer that is a promise there and none here, does not compile.
const vault: Same<fake.Vault, Real.Vault, "read" | "cachedRead" | "create" | "createFolder" | "process" | "modify" | "delete" | "getFileByPath" | "getFolderByPath" | "getAbstractFileByPath" | "getName"> | null = null;
const editor: Same<fake.Editor, Real.Editor, "getValue" | "setValue" | "getSelection" | "getCursor" | "setCursor" | "offsetToPos" | "posToOffset" | "replaceRange"> | null = null;
const workspace: Same<fake.Workspace, Real.Workspace, "getLeavesOfType" | "getActiveFile" | "getRightLeaf" | "revealLeaf" | "onLayoutReady"> | null = null;
const view: Same<fake.MarkdownView, Real.MarkdownView, "getViewType" | "getDisplayText" | "getMode" | "getViewData" | "save"> | null = null;
const plugin: Same<fake.Plugin, Real.Plugin, "addCommand" | "addSettingTab" | "addStatusBarItem" | "loadData" | "saveData" | "registerView"> | null = null;
const tab: Same<fake.PluginSettingTab, Real.PluginSettingTab, "getSettingDefinitions" | "display" | "hide"> | null = null;
const definition: Same<Required<fake.Definition>, Required<Real.SettingDefinitionRender>, "name" | "render"> | null = null;
const modal: Same<fake.Modal, Real.Modal, "open" | "close" | "onOpen" | "onClose" | "setTitle"> | null = null;
const picker: Same<fake.FuzzySuggestModal<string>, Real.FuzzySuggestModal<string>, "getItems" | "getItemText" | "onChooseItem" | "setPlaceholder"> | null = null;
const secrets: Same<fake.App["secretStorage"], Real.SecretStorage, "getSecret" | "setSecret"> | null = null;
const files: Same<fake.App["fileManager"], Real.FileManager, "getNewFileParent"> | null = null;
const row: Same<fake.Setting, Real.Setting, "setName" | "setDesc" | "addText" | "addButton" | "addToggle" | "addSlider" | "addDropdown"> | null = null;
const menu: Same<fake.Menu, Real.Menu, "addItem" | "addSeparator" | "showAtPosition"> | null = null;
const component: Same<fake.Component, Real.Component, "addChild" | "removeChild" | "registerInterval" | "registerDomEvent" | "load" | "unload"> | null = null;
const normal: typeof Real.normalizePath = fake.normalizePath;

it("has the names that the plugin calls", () => {
  expect([vault, editor, workspace, view, plugin, tab, definition, modal, picker, secrets, files, row, menu, component]).toHaveLength(14);
  for (const name of ["createEl", "createDiv", "createSpan", "empty", "setText", "addClass", "removeClass", "toggleClass", "hasClass"]) {
    expect(document.body).toHaveProperty(name);
  }
  const tip: typeof Real.setTooltip = fake.setTooltip;
  tip(document.body, "words");
  expect(document.body.getAttribute("aria-label")).toBe("words");
  expect(normal("a//b/")).toBe("a/b");
});
