/** Keeps requests waiting that have their session already, until they are told to go on. */
export class Gates {
  readonly #held = new Map<string, (() => void)[]>();

  pass(name: string): Promise<void> {
    return new Promise((resolve) => this.#held.set(name, [...this.#at(name), resolve]));
  }

  /** How many wait. */
  waiting(name: string): number {
    return this.#at(name).length;
  }

  open(name: string): void {
    const held = this.#at(name);
    this.#held.delete(name);
    for (const go of held) go();
  }

  #at(name: string): (() => void)[] {
    return this.#held.get(name) ?? [];
  }
}
