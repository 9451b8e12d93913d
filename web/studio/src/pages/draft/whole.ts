/** How a draft of a whole chapter is asked for. */
interface Chapter {
  chapter: string;
}

/**
 * By its name; a source without chapters as a whole. Highlights that are named one by one are all written about, whatever the person's rule
 * about highlights says: that is left for those before the first of several chapters, which have no name.
 */
export function wholeOf(chapter: string, chapters: readonly Chapter[], ids: string[]): { chapter?: string; highlight_ids?: string[] } {
  if (chapter) return { chapter };
  return chapters.length === 1 ? {} : { highlight_ids: ids };
}
