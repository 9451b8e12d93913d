import type { Schemas } from "./api.ts";

/** Is the highlight nothing but a picture? */
export const isPicture = ({ text, images }: Pick<Schemas["HighlightOut"], "text" | "images">): boolean =>
  images.length > 0 && /^!\[[^\]]*\]\([^()\s]*\)$/.test(text.trim());
