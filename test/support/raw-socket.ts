import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { within } from "./within.ts";

export interface RawRequestOptions {
  /** Resolve as soon as this text was received, without waiting for the peer to close. */
  until?: string;
  /** Resolve once so many bytes were received. @default 1_048_576 */
  maxBytes?: number;
  /** Reject when the peer neither closed nor sent enough in this time. @default 5_000 */
  withinMs?: number;
}

/** Opens a TCP connection to a local port. */
export async function rawSocket(port: number, withinMs = 5_000): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  try {
    await within(once(socket, "connect"), withinMs, `connection to port ${port}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // A reset by the peer is a kind of close, not a failure of the test.
  socket.on("error", () => {});
  return socket;
}

/** Sends bytes unchanged. Returns all received bytes as latin1 after the peer has closed in any way. */
export async function rawRequest(
  port: number,
  bytes: string | Uint8Array,
  { until, maxBytes = 1_048_576, withinMs = 5_000 }: RawRequestOptions = {},
): Promise<string> {
  const socket = await rawSocket(port, withinMs);
  let received = "";
  const enough = new Promise<void>((resolve) => {
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
      if (received.length >= maxBytes || (until !== undefined && received.includes(until))) resolve();
    });
    socket.once("close", () => resolve());
  });
  try {
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    const soFar = (): string => `received so far: ${JSON.stringify(received)}`;
    await within(enough, withinMs, "end of the answer").catch((cause: Error) => {
      throw new Error(`${cause.message} ${soFar()}`, { cause });
    });
    return received;
  } finally {
    socket.destroy();
  }
}

/** Breaks a connection off with a TCP RST, as a crashed machine or an impatient proxy does. */
export async function resetSocket(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, "close");
  socket.resetAndDestroy();
  await closed;
}
