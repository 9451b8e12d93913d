/** What goes over the wire: names for the generated types of web/api. */

import type { components } from "../../../api/schema";

type Schemas = components["schemas"];

export type Health = Schemas["Health"];
export type Status = Schemas["StatusOut"];
export type Source = Schemas["SourceOut"];
export type SourceDetail = Schemas["SourceDetail"];
export type Chapter = Schemas["ChapterOut"];
export type Highlight = Schemas["HighlightOut"];
export type Draft = Schemas["DraftOut"];
export type Batch = Schemas["BatchOut"];
export type Preview = Schemas["PreviewOut"];

export interface DraftWish {
  source: string;
  chapter?: string;
  highlight_ids?: string[];
  n: number;
  instruction?: string;
}

export interface Remark {
  comment?: string;
  chips?: string[];
  seconds?: number;
}

export type Order = Schemas["OrderOut"];
export type Span = Schemas["SpanOut"];
export type Template = Schemas["TemplateOut"];
export type NoteRow = Schemas["NoteRow"];
export type Passage = Schemas["PassageOut"];
export type Job = Schemas["JobOut"];

/** Where an accepted draft shall go. `seen` is the note as it is here, null where it is new; `template` null is the server's own. */
export interface Place {
  into: string;
  under: string | null;
  finalText: string | null;
  template: string | null;
  seen: string | null;
}

/** An insertion as Obsidian made it; `start` in bytes of UTF-8. `seen` is the whole note after it, absent where that is very long. */
export interface Insertion {
  draft_id: string;
  note_path: string;
  start: number;
  inserted: string;
  created: boolean;
  final_text: string | null;
  seconds: number | null;
  passage?: [number, number];
  seen?: string;
  order?: number;
}
