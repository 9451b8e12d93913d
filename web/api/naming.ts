/** A name for a new note. */

const LONGEST = 240; // bytes, as the server has it: file systems allow little more

/** The name without what no system, or no link, allows; empty where nothing is left. A slash is for folders: a title's is none. */
export function nameOf(words: string): string {
  const clean = words.replace(/[\\:*?"<>|#^[\]\u0000-\u001f\u007f]/g, "").replace(/^[./\s]+/, "").replace(/\.md$/i, "").slice(0, 120);
  return clean.split("/").map(short).join("/");
}

export const nameOfTitle = (title: string): string => nameOf(title.replace(/[\s/]+/g, " "));

/** No longer than may be, of whole characters, with neither spaces around it nor dots at its end. */
function short(name: string): string {
  let kept = "";
  let bytes = 0;
  for (const letter of name.replace(/\p{Cs}/gu, "").trim()) {
    bytes += new TextEncoder().encode(letter).length;
    if (bytes > LONGEST) break;
    kept += letter;
  }
  return kept.replace(/[.\s]+$/, "");
}
