/** Figures of realtime on this node. All but the first three have been counted since it began. */
export interface RealtimeStats {
  /** Open now. */
  readonly connections: number;
  /** Users with an open connection here. */
  readonly users: number;
  /** Groups with an open connection here. */
  readonly groups: number;
  /** Messages of clients, heartbeats too. */
  readonly messagesIn: number;
  /** Bytes of these messages, without frames. */
  readonly bytesIn: number;
  /** Messages to clients. */
  readonly messagesOut: number;
  /** Bytes of these messages, with frames. */
  readonly bytesOut: number;
  /** Connections closed with 4013, for not reading. */
  readonly slowConsumers: number;
  /** Connections closed with 4029, for sending too fast. */
  readonly rateLimited: number;
  /** Connections closed with 4008, for being silent too long. */
  readonly inactive: number;
}
