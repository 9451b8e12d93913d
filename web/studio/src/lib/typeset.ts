/** Typeset the formulas that the server marked (`.math`, display ones also `.math-block`); KaTeX is loaded with the first formula. */
export async function typeset(root: HTMLElement): Promise<void> {
  const formulas = [...root.querySelectorAll<HTMLElement>(".math:not([data-typeset])")];
  if (!formulas.length) return;
  const { default: katex } = await import("./katex.ts");
  for (const formula of formulas) {
    const source = formula.dataset.tex ?? formula.textContent ?? "";
    formula.dataset.typeset = "";
    katex.render(source, formula, { displayMode: formula.matches(".math-block, .math-display, div"), throwOnError: false, trust: false, strict: "ignore" });
  }
}
