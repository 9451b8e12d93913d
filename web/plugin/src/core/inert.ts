/**
 * A draft as the pane shows it. Obsidian's renderer lets every plugin at what it renders (Dataview runs the JavaScript of a code block, Templater
 * commands) and asks the network for pictures, and a draft copies what its highlights say, which others wrote. So until the person has put it
 * into a note, nothing in it runs and nothing is fetched: fences keep their language only where Obsidian itself colours or draws them, an
 * invisible sign keeps inline code, HTML and pictures from being taken for more than text. Links stay links. The draft itself is not changed.
 */

const SIGN = "\u200b";
const FENCE = /^((?:[\s>*+-]|\d+[.)]|\[\^[^\]]+\]:)*)(`{3,}(?=[^`]*$)|~{3,})(.*)$/s;
/** What Obsidian itself colours or draws. Any other name may be a plugin's, which runs the block. */
const SHOWN = new Set(
  ("asm bash c c# c++ clojure cmake cpp cs csharp css csv dart diff dockerfile elixir erlang fortran go graphql groovy haskell html http ini java " +
    "javascript js json julia kotlin kt latex less lisp lua makefile markdown matlab md mermaid nginx objectivec ocaml pascal perl php plaintext " +
    "powershell proto py python r rb rs ruby rust scala scheme scss sh shell sql swift tex text toml ts txt typescript vim xml yaml yml zig zsh").split(" "),
);
const FETCHES = /\bimg\s*:/i; // a picture in a diagram
const PLAIN_TAG = /^\/?(?:abbr|b|br|code|del|details|em|hr|i|ins|kbd|mark|q|s|small|strong|sub|summary|sup|u)\s*\/?>/i;
const ADDRESS = /^(?:(?:https?:\/\/|mailto:)[^\s<>]*|[^\s<>@]+@[^\s<>]+)>/i;

export function inert(markdown: string): string {
  const named = (after: string): string => {
    const language = after.trim().toLowerCase();
    return SHOWN.has(language) && !(language === "mermaid" && FETCHES.test(markdown)) ? language : "";
  };
  const line = (text: string): string =>
    FENCE.test(text) ? text.replace(FENCE, (_, before: string, mark: string, after: string) => before + mark + named(after)) : quiet(text);
  return markdown
    .split(/(\r\n|\r|\n)/)
    .map(line)
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
