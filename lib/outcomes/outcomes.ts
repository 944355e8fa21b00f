/** What is kept under a name while its request is still being handled. */
export const PENDING = "";

/**
 * The outcomes of requests that a client may repeat, so that each request is handled once.
 *
 * The rules:
 * - Of all nodes that claim a name, one gets it, until its life is over or it is given back.
 * - An outcome is kept under a claimed name, and is found by every node.
 * - What is too much for the memory of one process is forgotten: the oldest names of the same owner first.
 *
 * A name is that of its owner, a colon, and a key without a colon.
 */
export interface Outcomes {
  /**
   * Claims a name for `lifeMs` milliseconds. Resolves to `undefined` if the name was free. Otherwise resolves to the
   * outcome, or to `PENDING` if there is none yet.
   */
  claim(name: string, lifeMs: number): Promise<string | undefined>;
  /** The outcome of a name, `PENDING`, or `undefined` if nobody has the name. */
  read(name: string): Promise<string | undefined>;
  /** Keeps an outcome for `lifeMs` milliseconds. */
  keep(name: string, outcome: string, lifeMs: number): Promise<void>;
  /** Gives a claimed name back. A name that nobody has is no error. */
  release(name: string): Promise<void>;
}

/** The owner of a name: a user or a session. */
export function ownerOf(name: string): string {
  return name.slice(0, name.lastIndexOf(":"));
}
