import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** The handling of data in one direction. The data stays in order. */
export interface Way {
  /** Milliseconds of delay. */
  delayMs: number;
  /** Whether data is held back, as by a network that is cut in one direction. */
  isHeld: boolean;
  /** Whether the next data breaks its connection in the middle. */
  breaksNext: boolean;
}

/** A line that can be cut. It passes data on unchanged. */
export interface TcpProxy {
  url: string;
  port: number;
  /** The data to the server and from the server. */
  readonly there: Way;
  readonly back: Way;
  /** Cuts every connection, and refuses new ones. */
  cut(): void;
  /** Accepts all connections, and passes all data on. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy for a local server. */
export async function startTcpProxy(to: string): Promise<TcpProxy> {
  const { port } = new URL(to);
  const sockets = new Set<Socket>();
  const there: Way = { delayMs: 0, isHeld: false, breaksNext: false };
  const back: Way = { ...there };
  let isCut = false;

  const server = createServer((near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), "127.0.0.1");
    for (const [one, other, way] of [
      [near, far, there],
      [far, near, back],
    ] as const) {
      sockets.add(one);
      passOn(one, other, way);
      // When one side ends, the other ends in the same way.
      one.on("error", () => {});
      one.once("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function cut(): void {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  }

  const own = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    there,
    back,
    cut,
    heal() {
      isCut = false;
      for (const way of [there, back]) Object.assign(way, { delayMs: 0, isHeld: false, breaksNext: false });
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

const LOOK_MS = 20;

/** Passes data on, one chunk after the other. */
function passOn(from: Socket, to: Socket, way: Way): void {
  let last = Promise.resolve();
  let waiting = 0;
  from.on("data", (piece: Buffer) => {
    const due = Date.now() + way.delayMs;
    if (way.breaksNext && piece.length > 1) {
      way.breaksNext = false;
      to.write(piece.subarray(0, piece.length >> 1), () => to.destroy());
      from.destroy();
      return;
    }
    if (way.delayMs === 0 && !way.isHeld && waiting === 0) {
      to.write(piece);
      return;
    }
    waiting++;
    last = last.then(async () => {
      await delay(Math.max(0, due - Date.now()));
      while (way.isHeld && !from.destroyed) await delay(LOOK_MS);
      waiting--;
      if (!to.destroyed) to.write(piece);
    });
  });
  from.on("end", () => void last.then(() => to.end()));
}
