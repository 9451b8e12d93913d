/** How candidates are asked for; the browser keeps it. */
export interface Wishes {
  n: number;
  instruction: string;
  inOrder: boolean;
  ahead: boolean;
}
