/**
 * A draft as the pane shows it. Obsidian's renderer lets every plugin at what it renders (Dataview runs the JavaScript of a code block, Templater
 * commands) and asks the network for pictures, and a draft copies what its highlights say, which others wrote. So until the person has put it
 * into a note, nothing in it runs and nothing is fetched: fences lose their language, an invisible sign keeps inline code, HTML and pictures
 * from being taken for more than text. Links stay links. The draft itself is not changed.
 */

const SIGN = "\u200b";
const FENCE = /^((?:[\s>*+-]|\d+[.)]|\[\^[^\]]+\]:)*)(`{3,}(?=[^`]*$)|~{3,}).*$/s;
const PLAIN_TAG = /^\/?(?:abbr|b|br|code|del|details|em|hr|i|ins|kbd|mark|q|s|small|strong|sub|summary|sup|u)\s*\/?>/i;
const ADDRESS = /^(?:(?:https?:\/\/|mailto:)[^\s<>]*|[^\s<>@]+@[^\s<>]+)>/i;

export function inert(markdown: string): string {
  return markdown
    .split(/(\r\n|\r|\n)/)
    .map((line) => (FENCE.test(line) ? line.replace(FENCE, "$1$2") : quiet(line)))
    .join("");
}

function quiet(line: string): string {
  return line
    .replace(/`+/g, `$&${SIGN}`)
    .replace(/!(?=\[(?!\[))/g, `!${SIGN}`)
    .replace(/<(?=[a-z/?%]|!(?!--))/gi, (mark, at: number, whole: string) => (isHarmless(whole.slice(at + 1)) ? mark : mark + SIGN));
}

/** Is what follows a `<` a tag that only sets text, or an address? */
function isHarmless(rest: string): boolean {
  return PLAIN_TAG.test(rest) || ADDRESS.test(rest);
}
