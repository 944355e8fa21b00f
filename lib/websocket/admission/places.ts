import { HandshakeRate } from "./handshake-rate.ts";
import { Refusal } from "./refusal.ts";

/** The limits of connections and handshakes. */
export interface PlacesOptions {
  readonly maxConnections: number;
  readonly maxAnonymousConnections: number;
  readonly maxHandshakesPerSecond: number;
}

/** The place of one handshake, and then of its connection. */
export interface Place {
  /** Counts a handshake for its session, before the session is read, or for its user, before the app is asked. @throws {Refusal} */
  of(kind: "session" | "user", id: string): void;
  /** Takes a guest's place to wait for the app. Guests may take only part of the free places. @throws {Refusal} */
  beGuest(): void;
  /** Takes a place among connections without a stored session. @throws {Refusal} */
  beAnonymous(): void;
  /** Hands the place on to the open connection, which gives it back when it closes. */
  open(connection: { onceClosed(run: () => void): void }): void;
  /** Ends the handshake's place, once the handshake was answered. */
  end(): void;
}

/** How many connections and handshakes this node has, and how many more it takes. */
export class Places {
  readonly #options: PlacesOptions;
  readonly #connections: ReadonlySet<unknown>;
  readonly #rates: Readonly<Record<"session" | "user", HandshakeRate>>;
  #handshakes = 0;
  /** The handshakes without a stored session. */
  #guests = 0;
  #anonymous = 0;
  #isClosed = false;

  constructor(options: PlacesOptions, connections: ReadonlySet<unknown>) {
    const { maxHandshakesPerSecond } = options;
    this.#options = options;
    this.#connections = connections;
    this.#rates = {
      session: new HandshakeRate(maxHandshakesPerSecond),
      user: new HandshakeRate(maxHandshakesPerSecond),
    };
  }

  /** Open connections whose session is not stored, and admitted handshakes for such connections. */
  get anonymous(): number {
    return this.#anonymous;
  }

  /** Places that no connection has. */
  get #free(): number {
    return this.#options.maxConnections - this.#connections.size;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** @throws {Refusal} once it is closed. */
  refuseIfClosed(): void {
    if (this.#isClosed) throw new Refusal(503, "This node is shutting down", { "Retry-After": "1" });
  }

  /** Takes a place for a handshake. @throws {Refusal} if there is none. */
  enter(): Place {
    this.refuseIfClosed();
    if (this.#handshakes >= this.#free) throw isFull("connections");
    this.#handshakes++;
    let isGuest = false;
    let isAnonymous = false;
    return {
      of: (kind, id) => {
        const seconds = this.#rates[kind].take(id);
        if (seconds === undefined) return;
        throw new Refusal(429, `Too many handshakes of this ${kind}`, { "Retry-After": String(seconds) });
      },
      beGuest: () => {
        // One client can begin any number of these, and each waits as long as `authorize` does. Half of the places stay for users.
        if (this.#guests >= Math.ceil(this.#free / 2)) throw isFull("handshakes without a session");
        this.#guests++;
        isGuest = true;
      },
      beAnonymous: () => {
        if (this.#anonymous >= this.#options.maxAnonymousConnections)
          throw isFull("connections without a session");
        this.#anonymous++;
        isAnonymous = true;
      },
      open: (connection) => {
        if (!isAnonymous) return;
        isAnonymous = false;
        connection.onceClosed(() => {
          this.#anonymous--;
        });
      },
      end: () => {
        this.#handshakes--;
        if (isGuest) this.#guests--;
        if (isAnonymous) this.#anonymous--;
      },
    };
  }
}

function isFull(of: string): Refusal {
  return new Refusal(503, `This node has as many ${of} as it may have`, { "Retry-After": "10" });
}
