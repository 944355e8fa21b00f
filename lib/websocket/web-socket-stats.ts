import { closeCodes } from "../close-codes.ts";
import { Tally } from "../observability/tally.ts";

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

/** What is so now, and is counted by others. */
interface Present {
  readonly connections: ReadonlySet<{ readonly bufferedAmount: number }>;
  readonly anonymous: number;
  readonly revocations: number;
}

/** Counts what becomes of handshakes and connections. */
export class WebSocketCounts {
  readonly handshakes: Tally<number> = new Tally<number>();
  readonly #closes = new Tally<number | "other">();

  /** Counts a close. Of a client, by codes that are known alone: it may send any of thousands. */
  closed(code: number, isByNode: boolean): void {
    this.#closes.add(isByNode || isKnown(code) ? code : "other");
  }

  /** The figures, with those of the connections that are open. */
  stats({ connections, anonymous, revocations }: Present): WebSocketStats {
    let bufferedBytes = 0;
    for (const { bufferedAmount } of connections) bufferedBytes += bufferedAmount;
    return {
      connections: connections.size,
      anonymousConnections: anonymous,
      handshakes: this.handshakes.all,
      closes: this.#closes.all,
      revocations,
      bufferedBytes,
    };
  }
}

const OWN_CODES: ReadonlySet<number> = new Set(Object.values(closeCodes));

/** Whether a code is one of the protocol's registry (RFC 6455, section 11.7) or of this package. */
function isKnown(code: number): boolean {
  return (code >= 1000 && code <= 1015) || OWN_CODES.has(code);
}
