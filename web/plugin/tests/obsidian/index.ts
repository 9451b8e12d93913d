/** The part of Obsidian's API that the plugin uses, faithful in what matters to it: files, the editor, views, modals, commands.
 * `tests/fake.types.test.ts` holds it against the published types.
 */

import "./dom";

export { App, Workspace } from "./app";
export { Component, Events } from "./component";
export { Editor, MarkdownView } from "./editor";
export { MarkdownRenderer, Platform, debounce, forget, normalizePath, requestUrl, setTooltip } from "./functions";
export { Plugin, PluginSettingTab, type Command, type Definition } from "./plugin";
export { Setting } from "./settings";
export { FuzzySuggestModal, Menu, Modal, Notice } from "./ui";
export { TFile, TFolder, Vault, type Disk } from "./vault";
export { ItemView, View, WorkspaceLeaf } from "./workspace";
