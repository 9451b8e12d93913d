import type NotewrightPlugin from "./main";
import type { Draft, Order } from "./core/types";
import { NoteChanged, insertAsPreviewed, insertAtCursor, openViews, saveTyped, textOf, type Written } from "./insert";
import type { Task } from "./views/review";

/** Puts a draft into its note, tells the server, and follows the passage from there. Null for one that is on its way already. */
export async function accept(
  plugin: NotewrightPlugin, draft: Draft, finalText: string | null, task: Task, seconds: number | null,
): Promise<Written | null> {
  const { accepting } = plugin;
  if (accepting.has(draft.id)) return null;
  accepting.add(draft.id);
  try {
    const path = await plugin.following.standsIn(draft.id);
    if (path) throw new Error(`This draft is in ${path} already. Nothing was written; take it out there to accept it again.`);
    return await write(plugin, draft, finalText, task, seconds);
  } finally {
    accepting.delete(draft.id);
  }
}

async function write(plugin: NotewrightPlugin, draft: Draft, finalText: string | null, task: Task, seconds: number | null): Promise<Written> {
  const { app, settings } = plugin;
  const wish = { draft: draft.id, finalText, seconds: settings.logTime ? seconds : null };
  const views = openViews(app).filter((open) => open.file?.path === task.notePath);
  const view = views.find((open) => open.leaf === task.leaf) ?? views[0];
  if (task.atCursor && view) {
    const done = await insertAtCursor(app, view, finalText ?? draft.text, wish);
    await plugin.following.tell(done, task.heading);
    return done;
  }
  const file = app.vault.getFileByPath(task.notePath);
  const seen = file ? await textOf(app, file) : null;
  const template = file || !settings.template ? null : settings.template;
  const place = { into: task.notePath, under: task.heading, finalText, template, seen };
  const preview = await plugin.api.preview(draft.id, place);
  // The person has seen the draft's own problems; what has come to lead nowhere since must be named before it may be written.
  const unseen = preview.broken.filter((reason) => !draft.problems.includes(reason));
  if (unseen.length) throw new Error(`Nothing was written: ${unseen.join("; ")}. Edit the draft first.`);
  const done = await insertAsPreviewed(app, preview, wish);
  await plugin.following.tell(done, task.heading);
  return done;
}

/** The server was asked elsewhere to put a draft into a note that is open here. Written only if the server lets us, and it then will not. */
export async function obey(plugin: NotewrightPlugin, order: Order): Promise<void> {
  if (!(await plugin.api.answerOrder(order.id, "taken"))) return;
  const wish = { draft: order.draft_id, finalText: order.final_text, seconds: order.seconds };
  const { accepting, api, app, following } = plugin;
  const refuse = (): Promise<unknown> => api.answerOrder(order.id, "refused");
  if (accepting.has(order.draft_id)) return void (await refuse());
  accepting.add(order.draft_id);
  try {
    if (await following.standsIn(order.draft_id)) return void (await refuse());
    const done = await insertAsPreviewed(app, { ...order, created: false }, wish);
    done.insertion.order = order.id;
    await following.tell(done, order.under || null);
  } catch (error) {
    if (!(error instanceof NoteChanged)) throw error;
    // What was typed here and not saved yet: the next time it is there for all.
    const view = openViews(app).find((open) => open.file?.path === order.note_path);
    if (view) await saveTyped(app, view);
    await refuse();
  } finally {
    accepting.delete(order.draft_id);
  }
}
