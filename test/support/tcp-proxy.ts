import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What becomes of what goes one way. It stays in its order. */
export interface Way {
  /** Milliseconds that it takes longer. */
  delayMs: number;
  /** Whether it is kept back, as by a network that is cut one way. */
  isHeld: boolean;
  /** Whether the next that comes breaks its connection off in the middle. */
  breaksNext: boolean;
}

/** A line that can be cut: what goes through it is passed on as it is. */
export interface TcpProxy {
  url: string;
  port: number;
  /** What goes to the server, and what comes from it. */
  readonly there: Way;
  readonly back: Way;
  /** Breaks every connection off, and lets none in. */
  cut(): void;
  /** Lets all in, and on, as it comes. */
  heal(): void;
  close(): Promise<void>;
}

/** Stands before a local server. */
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
      // However one ends, so does the other.
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

/** Passes on what comes, one piece after the other. */
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
