import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { afterThisTest } from "../websocket/support.ts";

/** An address for clients that stays when the server behind it goes away. */
export interface Relay {
  /** The URL of the WebSocket. */
  readonly url: string;
  /** The port of the server behind it. `undefined` refuses connections, as if there were no server. */
  target: number | undefined;
  /** The number of connections so far. */
  readonly count: number;
  /** Breaks all lines. */
  cut(): void;
  /** Passes on nothing more on the open lines, like a line whose other end is gone. */
  freeze(): void;
}

/** Starts a relay, which ends after the test. */
export async function relay(target?: number): Promise<Relay> {
  const lines = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    self.count++;
    near.on("error", () => {});
    if (self.target === undefined) {
      near.destroy();
      return;
    }
    const far = connect(self.target, "127.0.0.1");
    far.on("error", () => near.destroy());
    const line: [Socket, Socket] = [near, far];
    lines.add(line);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.on("close", () => lines.delete(line));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const self = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    target,
    count: 0,
    cut() {
      for (const [near] of lines) near.destroy();
    },
    freeze() {
      for (const [near, far] of lines) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
    },
  };
  afterThisTest(() => {
    self.cut();
    server.close();
  });
  return self;
}
