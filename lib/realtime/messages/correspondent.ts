import type { CloseReason } from "../../close-codes.ts";
import type { OutgoingMessage } from "../../lines/batch.ts";
import type { Line } from "../../lines/line.ts";
import type { Connection } from "../connection.ts";

/** A connection as its messages see it. */
export interface Correspondent extends Connection {
  readonly line: Line;
  /** Sends a message at the end of the turn. */
  write(message: OutgoingMessage): void;
  /** Closes the connection for a reason that the client can react to. */
  end(reason: CloseReason): void;
  /** Notes that the user of the connection is there. */
  heard(by: "heartbeat" | "message"): void;
}
