import { inParallel } from "./in-parallel.ts";
import type { ServerProcess } from "./server-process.ts";
import { WsClient } from "./ws-client.ts";
import { maskedFrame, opcodes } from "./ws-frames.ts";
import { type Dialect, heartbeat } from "./ws-protocol.ts";

export const heartbeatFrame: Buffer = maskedFrame(opcodes.text, heartbeat);

/** Handshakes at a time while many connections are opened. */
const openingAtOnce = 50;

/** Connections to one server that count what they get, all together. */
export class WsClients {
  readonly clients: WsClient[] = [];
  /** Messages that have arrived since the connections were opened. */
  received = 0;
  /** Called with each of them. */
  onMessage: (() => void) | undefined;
  #awaited = Number.POSITIVE_INFINITY;
  #arrived: () => void = () => {};

  /** Opens a connection for each of `cookies`. */
  static async open(server: ServerProcess, dialect: Dialect, cookies: readonly string[]): Promise<WsClients> {
    const opened = new WsClients();
    const { port } = server;
    await inParallel(openingAtOnce, cookies, async (cookie) => {
      const client = new WsClient({ port, dialect, cookie, onMessage: opened.#count });
      await client.opened;
      opened.clients.push(client);
    });
    return opened;
  }

  /** Resolves when that many messages have arrived in all. One at a time. */
  async arrivalOf(messages: number): Promise<void> {
    if (this.received >= messages) return;
    await new Promise<void>((resolve) => {
      this.#awaited = messages;
      this.#arrived = resolve;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  readonly #count = (): void => {
    this.onMessage?.();
    if (++this.received < this.#awaited) return;
    this.#awaited = Number.POSITIVE_INFINITY;
    this.#arrived();
  };
}
