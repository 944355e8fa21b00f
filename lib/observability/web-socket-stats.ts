/** Figures of the connections of this node, since it began. */
export interface WebSocketStats {
  /** Open now. */
  readonly connections: number;
  /** Those of them whose session is not stored. */
  readonly anonymousConnections: number;
  /** Handshakes by the status that they were answered with. */
  readonly handshakes: Readonly<Record<string, number>>;
  /**
   * Closed connections by the code that the package or `connection.close` has closed them with, else by the one that the
   * client has sent: `1006` if there was none, `other` for a client's code of neither RFC 6455 nor this package.
   */
  readonly closes: Readonly<Record<string, number>>;
  /** Connections closed because their session had ended or got a new id. */
  readonly revocations: number;
  /** Bytes that wait for clients to read them now. Takes as long as there are connections. */
  readonly bufferedBytes: number;
}
