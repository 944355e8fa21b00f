import type { Node } from "../../bus/node/node.ts";
import { Bounds } from "../../calls/bounds.ts";

/** How long a login is remembered, for handshakes in progress and for nodes that have missed the login. */
const REMEMBERED_MS = 30_000;
/** The largest number of remembered keys. Beyond it, the oldest key is forgotten. */
const REMEMBERED = 10_000;
/** How long other nodes have to answer with the logins that they remember. */
const ANSWER_WITHIN_MS = 1000;

/** Messages between nodes: they announce, and ask for, the keys of guests who have logged in. */
const GUESTS_LOGGED_IN = "guests_logged_in";
const RECENT_GUEST_LOGINS = "recent_guest_logins";

/** A key, and how many milliseconds ago its guest logged in. */
type Recent = readonly [key: string, ageMs: number];

/** Receives the key of a guest who has logged in. */
export type GuestLoginListener = (key: string) => void;

const byNode = new WeakMap<Node, GuestLogins>();

/**
 * Remembers the guests who have logged in on any node. A guest's handshake and later requests have the same key. The
 * key gives access to nothing.
 *
 * A handshake may be sent before a login and arrive after it, so every node remembers the keys for a while. A node may
 * miss messages while its line is down. It then asks the other nodes for their keys.
 */
export class GuestLogins {
  readonly #node: Node;
  readonly #asking = new Bounds(2 * ANSWER_WITHIN_MS);
  /** When this node heard each key, by its monotonic clock. */
  readonly #heardAt = new Map<string, number>();
  readonly #listeners = new Set<GuestLoginListener>();

  /** Returns the logins that a node hears of. All session middlewares of a backend share them. */
  static of(node: Node): GuestLogins {
    let logins = byNode.get(node);
    if (!logins) {
      logins = new GuestLogins(node);
      byNode.set(node, logins);
    }
    return logins;
  }

  private constructor(node: Node) {
    this.#node = node;
    node.answer(GUESTS_LOGGED_IN, (keys) => {
      for (const key of keys as string[]) this.#hear(key, 0);
    });
    node.answer(RECENT_GUEST_LOGINS, () => this.#recent());
    node.onGap(() => this.catchUp());
  }

  /** Calls the listener with each key, once for its login, until the returned function is called. */
  listen(listener: GuestLoginListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells all nodes that the browser with these keys has a user now. */
  tell(keys: readonly string[]): void {
    if (keys.length === 0) return;
    for (const key of keys) this.#hear(key, 0);
    // No login waits for this message. A node that misses the message asks for the keys later.
    this.#node.tell(GUESTS_LOGGED_IN, keys).catch(() => {});
  }

  /** Whether the guest with this key has logged in a short while ago. */
  isRecent(key: string): boolean {
    const heardAt = this.#heardAt.get(key);
    return heardAt !== undefined && performance.now() - heardAt < REMEMBERED_MS;
  }

  /** Asks the other nodes for logins that this one may have missed. */
  catchUp(): void {
    if (this.#listeners.size === 0) return;
    this.#asking
      .call(() => this.#node.ask(RECENT_GUEST_LOGINS, null, ANSWER_WITHIN_MS))
      .then(
        ({ answers }) => {
          for (const [key, ageMs] of (answers as Recent[][]).flat()) this.#hear(key, ageMs);
        },
        // The line is down again. This node asks again when the line is up.
        () => {},
      );
  }

  #recent(): Recent[] {
    const now = performance.now();
    return [...this.#heardAt]
      .map(([key, heardAt]) => [key, Math.round(now - heardAt)] as const)
      .filter(([, ageMs]) => ageMs < REMEMBERED_MS);
  }

  #hear(key: string, ageMs: number): void {
    const wasRecent = this.isRecent(key);
    const heardAt = Math.max(performance.now() - ageMs, this.#heardAt.get(key) ?? Number.NEGATIVE_INFINITY);
    this.#heardAt.delete(key);
    this.#heardAt.set(key, heardAt);
    this.#forgetOldest();
    if (!wasRecent && this.isRecent(key)) for (const listener of this.#listeners) listener(key);
  }

  #forgetOldest(): void {
    const [oldest] = this.#heardAt;
    if (!oldest) return;
    const [key] = oldest;
    if (this.#heardAt.size > REMEMBERED || !this.isRecent(key)) this.#heardAt.delete(key);
  }
}
