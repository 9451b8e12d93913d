/** The order a person gives to candidates: groups, best first; candidates in one group are equal; rejected ones are worse than all. One that is
 * placed is not rejected any more. Immutable: every change is a new one. */

export type Groups = readonly (readonly string[])[];

export class Ranking {
  readonly rejected: readonly string[];

  constructor(
    readonly groups: Groups = [],
    rejected: readonly string[] = [],
  ) {
    this.rejected = rejected.filter((id) => !groups.some((group) => group.includes(id)));
  }

  get placed(): string[] {
    return this.groups.flat();
  }

  /** 1 for the best; equal ones share a place; 0 where it has none. */
  placeOf(id: string): number {
    return this.groups.findIndex((group) => group.includes(id)) + 1;
  }

  /** Puts an unplaced candidate after all others; takes a placed one out again. */
  toggle(id: string): Ranking {
    return this.placeOf(id) ? this.without(id) : this.as([...this.groups, [id]]);
  }

  /** Makes a candidate equal to the group before it, or, if it is equal already, places it alone after that group. */
  tie(id: string): Ranking {
    const place = this.placeOf(id);
    if (!place) {
      const last = this.groups.at(-1);
      return last ? this.as([...this.groups.slice(0, -1), [...last, id]]) : this.toggle(id);
    }
    const group = this.groups[place - 1] ?? [];
    if (group.length > 1) {
      const others = group.filter((other) => other !== id);
      return this.as([...this.groups.slice(0, place - 1), others, [id], ...this.groups.slice(place)]);
    }
    const before = this.groups[place - 2];
    return before ? this.as([...this.groups.slice(0, place - 2), [...before, id], ...this.groups.slice(place)]) : this;
  }

  /** Moves a candidate to stand alone at `place` (1 is best), the others keeping their order. */
  move(id: string, place: number): Ranking {
    const rest = this.without(id).groups;
    const at = Math.max(0, Math.min(place - 1, rest.length));
    return this.as([...rest.slice(0, at), [id], ...rest.slice(at)]);
  }

  without(id: string): Ranking {
    const groups = this.groups.map((group) => group.filter((other) => other !== id));
    return this.as(groups.filter((group) => group.length));
  }

  reject(id: string): Ranking {
    return new Ranking(this.without(id).groups, [...this.rejected.filter((other) => other !== id), id]);
  }

  /** Every one of them has its place or is rejected, and there is something to tell. */
  isWhole(ids: readonly string[]): boolean {
    return this.groups.length > 0 && ids.every((id) => this.placeOf(id) > 0 || this.rejected.includes(id));
  }

  private as(groups: Groups): Ranking {
    return new Ranking(groups, this.rejected);
  }
}
