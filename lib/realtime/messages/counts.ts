import type { CloseReason } from "../../close-codes.ts";
import type { Tally } from "../../observability/tally.ts";

/** The counters of messages, bytes and closed connections. */
export interface Counts {
  messagesIn: number;
  bytesIn: number;
  messagesOut: number;
  bytesOut: number;
  readonly ends: Tally<CloseReason>;
}
