/** The order a person gives to candidates: groups, best first; candidates in one group are equal. Immutable: every change is a new one. */

export type Groups = readonly (readonly string[])[];

export class Ranking {
  constructor(readonly groups: Groups = []) {}

  get placed(): string[] {
    return this.groups.flat();
  }

  /** 1 for the best; equal ones share a place; 0 where it has none. */
  placeOf(id: string): number {
    return this.groups.findIndex((group) => group.includes(id)) + 1;
  }

  /** Puts an unplaced candidate after all others; takes a placed one out again. */
  toggle(id: string): Ranking {
    return this.placeOf(id) ? this.without(id) : new Ranking([...this.groups, [id]]);
  }

  /** Makes a candidate equal to the group before it, or, if it is equal already, places it alone after that group. */
  tie(id: string): Ranking {
    const place = this.placeOf(id);
    if (!place) {
      const last = this.groups.at(-1);
      return last ? new Ranking([...this.groups.slice(0, -1), [...last, id]]) : this.toggle(id);
    }
    const group = this.groups[place - 1] ?? [];
    if (group.length > 1) {
      const others = group.filter((other) => other !== id);
      return new Ranking([...this.groups.slice(0, place - 1), others, [id], ...this.groups.slice(place)]);
    }
    const before = this.groups[place - 2];
    return before ? new Ranking([...this.groups.slice(0, place - 2), [...before, id], ...this.groups.slice(place)]) : this;
  }

  /** Moves a candidate to stand alone at `place` (1 is best), the others keeping their order. */
  move(id: string, place: number): Ranking {
    const rest = this.without(id).groups;
    const at = Math.max(0, Math.min(place - 1, rest.length));
    return new Ranking([...rest.slice(0, at), [id], ...rest.slice(at)]);
  }

  without(id: string): Ranking {
    const groups = this.groups.map((group) => group.filter((other) => other !== id));
    return new Ranking(groups.filter((group) => group.length));
  }
}
