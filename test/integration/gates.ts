interface Gate {
  reached: Promise<void>;
  opened: Promise<void>;
  reach: () => void;
  open: () => void;
}

/** Places in a server's handlers where a test lets them wait, and decides who goes on first. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** For the handler: says that it is here, and waits until it may go on. */
  async pass(name: string): Promise<void> {
    const gate = this.#gate(name);
    gate.reach();
    await gate.opened;
  }

  /** For the test: waits until the handler is at the gate. */
  reached(name: string): Promise<void> {
    return this.#gate(name).reached;
  }

  open(name: string): void {
    this.#gate(name).open();
  }

  #gate(name: string): Gate {
    const known = this.#gates.get(name);
    if (known) return known;
    let reach = () => {};
    let open = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const gate = { reached, opened, reach, open };
    this.#gates.set(name, gate);
    return gate;
  }
}
