/** One connection of a user, as its node registers it. */
export interface ConnectionRecord {
  /** Names the node that holds the line as well: see {@link nodeOf}. */
  readonly id: string;
  /** Whose it is; connections without a user are not registered. */
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
  /** When its user was last heard, as far as its node has said so by now: milliseconds since the epoch, by the registry's clock. */
  readonly lastSeen: number;
}

/** What came of registering a connection: `first` if the user had none and was not just leaving. */
export type Arrival = "first" | "further" | "full";

/** What came of a departure: the user is `offline` by this very call, `present` by others, or `leaving`, and is to be asked of again. */
export type Departure =
  | { readonly state: "offline" | "present" }
  | { readonly state: "leaving"; readonly forMs: number };

/** What an arrival may find. */
export interface ArrivalLimits {
  /** Connections that a user may have, on all nodes. */
  readonly maxPerUser: number;
  /** Milliseconds after which a connection of the user that was not heard is swept. */
  readonly expireAfterMs: number;
  /** Whether it is asked again, since the answer did not come: a connection that has arrived as the first says so again, until it is seen. */
  readonly isAgain?: boolean;
}

/** A connection whose user was heard. */
export interface Sighting {
  /** The connection, as it was registered. */
  readonly record: ConnectionRecord;
  /** How long ago, in milliseconds. */
  readonly agoMs: number;
}

/**
 * Which connections users have, on which nodes.
 *
 * The rules, which the conformance suite attacks:
 * - A user comes online with the arrival that is `first`, and goes offline with the departure that is `offline`: however
 *   many arrive and depart at the same time, on however many nodes, the two alternate, and each is told to one caller.
 * - Whose last connection departs is `leaving` for as long as that departure has said, and stays online if another one
 *   arrives meanwhile. The departure is asked for again after that time, by whoever is there; so nobody is leaving for ever.
 * - What a node has registered is found by its node id until it is forgotten, so that others can do for a dead node what
 *   it cannot do any more. Departing and forgetting again does nothing.
 * - A connection that was not heard for `expireAfterMs` is swept when its user connects. Its user did not go offline by that.
 *
 * No call looks at more users than it names. User ids are any well-formed strings.
 */
export interface Registry {
  /** Registers a connection, which is seen with that, unless its user has `maxPerUser` already. One that is registered stays so. */
  arrive(record: ConnectionRecord, limits: ArrivalLimits): Promise<Arrival>;

  /** Takes a connection out. Without others, its user leaves for `graceMs`, at the end of which it is to be called again. */
  depart(record: ConnectionRecord, graceMs: number): Promise<Departure>;

  /** Forgets that the node has had these connections, once nothing is left to do for them. */
  forget(nodeId: string, ids: readonly string[]): Promise<void>;

  /** Says when users were last heard. Resolves to the records that are not registered, though their node thought so. */
  saw(sightings: readonly Sighting[]): Promise<ConnectionRecord[]>;

  /** The connections of a user, on all nodes, also on those that have died and were not cleared yet. */
  ofUser(userId: string): Promise<RegisteredConnection[]>;

  /** The ids of the nodes on which each of these users has connections. */
  nodesOf(userIds: readonly string[]): Promise<string[][]>;

  /** Whether each of these users is online: has connections, also of a node that has died and was not cleared yet, or is leaving. */
  online(userIds: readonly string[]): Promise<boolean[]>;

  /**
   * The ids of all nodes that have registered something that is not forgotten. One of which `ofNode` finds nothing is not
   * named again until it registers, or at the latest says what it saw.
   */
  nodes(): Promise<string[]>;

  /** Some of what a node has registered and not forgotten: all of it, if that is not more than `count`. */
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
