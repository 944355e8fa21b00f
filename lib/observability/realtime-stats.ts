/** Figures of realtime on this node. All but the first three count from its start. */
export interface RealtimeStats {
  /** Connections that are open now. */
  readonly connections: number;
  /** Users with an open connection here. */
  readonly users: number;
  /** Groups with an open connection here. */
  readonly groups: number;
  /** Messages of clients, including heartbeats. */
  readonly messagesIn: number;
  /** Bytes of the messages of clients, without frames. */
  readonly bytesIn: number;
  /** Messages to clients. */
  readonly messagesOut: number;
  /** Bytes of the messages to clients, with frames. */
  readonly bytesOut: number;
  /** Connections closed with 4013, because the client did not read. */
  readonly slowConsumers: number;
  /** Connections closed with 4029, because the client sent too fast. */
  readonly rateLimited: number;
  /** Connections closed with 4008, because the client was silent for too long. */
  readonly inactive: number;
  /** Figures of kept messages. Absent without the option `history`. */
  readonly history?: HistoryStats | undefined;
}

/** Figures of kept messages on this node, from its start. */
export interface HistoryStats {
  /** Messages that this node has sent and kept. */
  readonly appended: number;
  /** Messages that clients have asked for because they had missed them. */
  readonly recovered: number;
  /** Messages that this node has read from the history because they had not arrived. */
  readonly filled: number;
  /** Losses that this node has told its connections of: one for each loss of a group or user. */
  readonly lost: number;
  /** Positions of groups and users that this node has compared. */
  readonly compared: number;
}
