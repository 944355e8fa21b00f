import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a local port that a test can cut, while other lines to the port go on. */
export interface Line {
  url: string;
  /** Cuts all connections, and refuses new ones. */
  cut(): void;
  /** Drops all data without an error. */
  deafen(): void;
  /** Accepts connections again. Data that was dropped is lost, and the lines that dropped it are cut. */
  restore(): void;
  close(): Promise<void>;
}

export async function startLine(port: number): Promise<Line> {
  const pairs = new Set<[Socket, Socket]>();
  let state: "up" | "cut" | "deaf" = "up";

  const server = createServer((near) => {
    if (state === "cut") {
      near.resetAndDestroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("data", (bytes) => {
        if (state === "up") to.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function breakOff(): void {
    for (const [near] of pairs) near.resetAndDestroy();
  }

  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      state = "cut";
      breakOff();
    },
    deafen() {
      state = "deaf";
    },
    restore() {
      if (state === "deaf") breakOff();
      state = "up";
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      breakOff();
      await closed;
    },
  };
}
