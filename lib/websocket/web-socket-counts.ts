import { closeCodes } from "../close-codes.ts";
import { Tally } from "../observability/tally.ts";
import type { WebSocketStats } from "../observability/web-socket-stats.ts";

/** The current figures that other parts count. */
interface Present {
  readonly connections: ReadonlySet<{ readonly bufferedAmount: number }>;
  readonly anonymous: number;
  readonly revocations: number;
}

/** Counts the results of handshakes and the closes of connections. */
export class WebSocketCounts {
  readonly handshakes: Tally<number> = new Tally<number>();
  readonly #closes = new Tally<number | "other">();

  /** Counts a close by its code. Unknown codes of clients share one count, because a client may send any of thousands. */
  closed(code: number, isByNode: boolean): void {
    this.#closes.add(isByNode || isKnown(code) ? code : "other");
  }

  /** All figures, including those of the open connections. */
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
