/** Figures of realtime on this node. All but the first three have been counted since it began. */
export interface RealtimeStats {
  /** Open now. */
  readonly connections: number;
  /** Users and groups with an open connection here. */
  readonly users: number;
  readonly groups: number;
  /** Messages of clients, heartbeats too, and their bytes without frames. */
  readonly messagesIn: number;
  readonly bytesIn: number;
  /** Messages to clients, and the bytes of their frames. */
  readonly messagesOut: number;
  readonly bytesOut: number;
  /** Connections closed for what they did: not reading, sending too fast, being silent for too long. */
  readonly slowConsumers: number;
  readonly rateLimited: number;
  readonly inactive: number;
}
