/** One connection of a user, as its node registers it. */
export interface ConnectionRecord {
  /** The id, which also contains the id of the node that holds the line: see {@link nodeOf}. */
  readonly id: string;
  /** The connection's user. Connections without a user are not registered. */
  readonly userId: string;
  /** The id of its session. */
  readonly sid: string;
  /** The client's address. */
  readonly ip?: string | undefined;
  /** The first 512 characters of the handshake's `User-Agent`. */
  readonly userAgent?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
}

/** A connection that is open somewhere, as all nodes see it. */
export interface RegisteredConnection extends ConnectionRecord {
  /** When its user was last heard, as last reported by its node: milliseconds since the epoch, by the registry's clock. */
  readonly lastSeen: number;
}

/** The result of registering a connection. It is `first` if the user had no connection and was not leaving. */
export type Arrival = "first" | "further" | "full";

/**
 * The result of a departure. `offline`: this call took the user offline. `present`: there is nothing to do. `leaving`: the
 * departure is to be repeated after `forMs`.
 */
export type Departure =
  | { readonly state: "offline" | "present" }
  | { readonly state: "leaving"; readonly forMs: number };

/** The limits of an arrival. */
export interface ArrivalLimits {
  /** Connections that a user may have, on all nodes. */
  readonly maxPerUser: number;
  /** Milliseconds after which a connection of the user that was not heard is swept. */
  readonly expireAfterMs: number;
  /**
   * Whether the call is repeated because its answer did not come. A connection that arrived as `first` gets that again,
   * until it is seen.
   */
  readonly isAgain?: boolean;
}

/** A connection whose user was heard. */
export interface Sighting {
  /** The connection, as it was registered. */
  readonly record: ConnectionRecord;
  /** Milliseconds since its user was heard. */
  readonly agoMs: number;
}

/**
 * Which connections users have, on which nodes.
 *
 * The rules, which the conformance suite attacks:
 * - A user comes online with the arrival that is `first`, and goes offline with the departure that is `offline`. The two
 *   alternate, and each is returned to one caller, however many connections arrive and depart at once on any nodes.
 * - A user whose last connection departs is `leaving` for the grace of that departure. The user stays online if another
 *   connection arrives meanwhile. Any live node repeats the departure after that time, so nobody is leaving for ever.
 * - The connections of a node are found by its id until they are forgotten, so that other nodes can clear up after a dead
 *   one. Departing and forgetting are idempotent.
 * - A connection that was not heard for `expireAfterMs` is swept when its user connects. The sweep does not take the user
 *   offline.
 *
 * No call looks at more users than it names. User ids are any well-formed strings.
 */
export interface Registry {
  /**
   * Registers a connection, and marks it as seen, unless its user has `maxPerUser` already. A registered connection
   * stays registered.
   */
  arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival>;

  /** Removes a connection. If it was the last one, its user is leaving for `graceMs`; then this is to be called again. */
  depart(record: ConnectionRecord, graceMs: number): Promise<Departure>;

  /** Forgets connections of a node, once nothing is left to do for them. */
  forget(nodeId: string, ids: readonly string[]): Promise<void>;

  /** Records when users were last heard. Resolves to the records that are no longer registered. */
  saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]>;

  /** The connections of a user on all nodes, also on dead nodes that were not cleared yet. */
  ofUser(userId: string): Promise<RegisteredConnection[]>;

  /** The ids of the nodes on which each of these users has connections. */
  nodesOf(userIds: readonly string[]): Promise<string[][]>;

  /**
   * Whether each of these users is online. A user is online while leaving, or with a connection, also on a dead node
   * that was not cleared yet.
   */
  online(userIds: readonly string[]): Promise<boolean[]>;

  /**
   * The ids of all nodes with connections that are not forgotten. A node for which `ofNode` finds nothing is left out until
   * it registers a connection, or at the latest until it calls `saw`.
   */
  nodes(): Promise<string[]>;

  /** Up to `count` of the connections that a node has registered and not forgotten. */
  ofNode(nodeId: string, count: number): Promise<ConnectionRecord[]>;
}

/** The id of a connection, the `count`th of its node. */
export function connectionId(nodeId: string, count: number): string {
  return `${nodeId}:${count.toString(36)}`;
}

/** The id of the node that holds a connection. */
export function nodeOf(id: string): string {
  return id.slice(0, id.lastIndexOf(":"));
}
