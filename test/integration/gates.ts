interface Gate {
  reached: Promise<void>;
  opened: Promise<void>;
  reach: () => void;
  open: () => void;
}

/** Points at which a server's handlers wait. The test decides which one continues first. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** For the handler: arrives at the gate, and waits until it opens. */
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
