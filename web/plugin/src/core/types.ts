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

/** An insertion as Obsidian made it; `start` in bytes of UTF-8. */
export interface Insertion {
  draft_id: string;
  note_path: string;
  start: number;
  inserted: string;
  created: boolean;
  final_text: string | null;
  seconds: number | null;
}
