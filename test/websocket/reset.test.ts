import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { eventually } from "../support/eventually.ts";
import { rawSocket, resetSocket } from "../support/raw-socket.ts";
import { type Place, places } from "./places.ts";
import { cookieOf, handshake } from "./raw-handshake.ts";
import { ask, type Served, serve, signIn } from "./support.ts";

const resets = 1000;
const atATime = 50;

/** The open sockets of this process: those of the server and of its clients. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Delays reads until the test lets them continue. */
class Gate {
  readonly #waiting: (() => void)[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  pass(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  open(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The moments at which the client leaves, by the state of the session's load. */
const moments: { moment: string; go: (sockets: Socket[], gate: Gate) => Promise<unknown> }[] = [
  {
    moment: "before the session is loaded",
    go: async (sockets, gate) => {
      await Promise.all(sockets.map(resetSocket));
      gate.open();
    },
  },
  {
    moment: "at the moment when the session is loaded",
    go: (sockets, gate) => {
      const gone = sockets.map(resetSocket);
      gate.open();
      return Promise.all(gone);
    },
  },
  {
    moment: "while it is answered",
    go: (sockets, gate) => {
      gate.open();
      return Promise.all(sockets.map(resetSocket));
    },
  },
];

describe.each(places)("clients that reset the line during a handshake, sessions on $place", ({ open }) => {
  let place: Place;
  let served: Served;

  beforeEach(async () => {
    place = await open();
    const webSocket = { path: "/ws", maxConnectionsPerSession: atATime, maxHandshakesPerSecond: Infinity };
    served = await serve({ place, webSocket });
  });

  test(`${resets} clients at all moments end nothing and leave nothing behind`, async () => {
    const browser = await signIn(served);
    const gate = new Gate();
    let isGated = true;
    place.aroundReads(async (read) => {
      if (isGated) await gate.pass();
      await read();
    });
    const before = openFiles();
    for (let done = 0; done < resets; done += atATime) {
      const sockets = await Promise.all(Array.from({ length: atATime }, () => rawSocket(served.port)));
      for (const socket of sockets) socket.write(handshake("/ws", cookieOf(browser)));
      await eventually(() => expect(gate.size).toBe(atATime));
      await moments[(done / atATime) % moments.length]?.go(sockets, gate);
      // The second read of the handshakes that have not noticed the reset yet.
      await eventually(() => {
        gate.open();
        expect(served.wsSessions.connections.size).toBe(0);
        expect(openFiles()).toBeLessThanOrEqual(before);
      });
    }
    isGated = false;
    gate.open();

    // A connection that stays bound would count for the limit of the session.
    const tabs = await Promise.all(Array.from({ length: atATime }, () => browser.webSocket("/ws")));
    for (const ws of tabs) expect(await ask(ws, "get")).toEqual({ name: "Ada" });
    await expect(browser.webSocket("/ws")).rejects.toMatchObject({ statusCode: 429 });
    expect(served.errors).toEqual([]);
  }, 60_000);
});

test("clients that reset the line while authorize hangs are forgotten before its time is over", async () => {
  let asked = 0;
  const served = await serve({
    webSocket: { path: "/ws", handshakeTimeoutMs: 60_000, authorize: () => new Promise(() => asked++) },
  });
  const before = openFiles();
  const sockets = await Promise.all(Array.from({ length: atATime }, () => rawSocket(served.port)));
  for (const socket of sockets) socket.write(handshake());
  await eventually(() => expect(asked).toBe(atATime));
  await Promise.all(sockets.map(resetSocket));
  await eventually(() => expect(openFiles()).toBeLessThanOrEqual(before));
  expect(served.opened).toEqual([]);
  expect(served.errors).toEqual([]);
});
