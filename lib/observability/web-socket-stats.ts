/** Figures of the connections of this node, since its start. */
export interface WebSocketStats {
  /** Connections that are open now. */
  readonly connections: number;
  /** Open connections whose session is not stored. */
  readonly anonymousConnections: number;
  /** Handshakes by the status that they were answered with. */
  readonly handshakes: Readonly<Record<string, number>>;
  /**
   * Closed connections by their close code. If the package or `connection.close` has closed a connection, it is the
   * code of that close. Otherwise it is the code that the client has sent. It is `1006` if the client sent none, and
   * `other` if the client's code belongs neither to RFC 6455 nor to this package.
   */
  readonly closes: Readonly<Record<string, number>>;
  /** Connections closed because their session had ended or got a new id. */
  readonly revocations: number;
  /** Bytes that wait now for clients to read them. The time to compute this grows with the number of connections. */
  readonly bufferedBytes: number;
}
