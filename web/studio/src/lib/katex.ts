/** Apart, so that pages without formulas never load it. */
import "katex/dist/katex.min.css";
export { default } from "katex";
