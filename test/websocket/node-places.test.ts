import { once } from "node:events";
import type { SessionData } from "express-session";
import type { WebSocketSessionsOptions } from "../../lib/index.ts";
import { HandshakeRate } from "../../lib/websocket/admission/handshake-rate.ts";
import type { Browser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawSocket, resetSocket } from "../support/raw-socket.ts";
import { places } from "./places.ts";
import { type Answer, answerIn, cookieOf, handshake } from "./raw-handshake.ts";
import { afterThisTest, data, type Served, serve, signIn } from "./support.ts";

type Shaken = Answer & { leave(): void };

/** The answer to a handshake. Its connection stays open until the end of the test. */
async function shake(served: Served, browser?: Browser): Promise<Shaken> {
  const socket = await rawSocket(served.port);
  afterThisTest(() => socket.destroy());
  socket.write(handshake("/ws", browser ? cookieOf(browser) : {}));
  const [bytes] = await once(socket, "data");
  return { ...answerIn(String(bytes)), leave: () => socket.destroy() };
}

async function statuses(count: number, served: Served, browser?: Browser): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => shake(served, browser)));
  return answers.map(({ status }) => status).sort();
}

describe.each(places)("limits of a node, with sessions in $place", ({ open }) => {
  let reads: number;

  async function serveWith(webSocket: WebSocketSessionsOptions): Promise<Served> {
    reads = 0;
    const place = await open();
    place.aroundReads(async (read) => {
      reads++;
      await read();
    });
    const userId = (session: SessionData) => (session as { name?: string }).name;
    const served = await serve({ place, session: { userId }, webSocket: { path: "/ws", ...webSocket } });
    await place.options.backend?.node.join();
    return served;
  }

  test("handshakes of one session per second are limited before the store is read", async () => {
    const served = await serveWith({ maxHandshakesPerSecond: 0.5 });
    const browser = await signIn(served);
    reads = 0;
    expect(await statuses(8, served, browser)).toEqual([101, 101, 101, 101, 101, 429, 429, 429]);
    expect(reads).toBe(5);
    const { status, headers } = await shake(served, browser);
    expect([status, headers["retry-after"]]).toEqual([429, "2"]);
    // Other sessions are not affected.
    expect(await statuses(1, served, await signIn(served, { name: "Bob" }))).toEqual([101]);
    expect(await statuses(1, served)).toEqual([101]);
    expect(served.wsSessions.stats().handshakes).toEqual({ 101: 7, 429: 4 });
  });

  test("handshakes of one user per second are limited over all sessions, before authorize runs", async () => {
    let asked = 0;
    const served = await serveWith({
      maxHandshakesPerSecond: 0.5,
      authorize: () => {
        asked++;
        return true;
      },
    });
    const browsers = await Promise.all([signIn(served), signIn(served), signIn(served)]);
    const answers = await Promise.all(browsers.map((browser) => statuses(3, served, browser)));
    expect(answers.flat().sort()).toEqual([101, 101, 101, 101, 101, 429, 429, 429, 429]);
    expect(asked).toBe(5);
    expect(await statuses(1, served, await signIn(served, { name: "Bob" }))).toEqual([101]);
  });

  test("connections without a stored session have their own limit, which leaves places for the others", async () => {
    const served = await serveWith({ maxConnections: 6, maxAnonymousConnections: 2 });
    const guests = await Promise.all([shake(served), shake(served)]);
    expect(guests.map(({ status }) => status)).toEqual([101, 101]);
    expect(served.wsSessions.stats()).toMatchObject({ connections: 2, anonymousConnections: 2 });
    const { status, headers } = await shake(served);
    expect([status, headers["retry-after"]]).toEqual([503, "10"]);
    const browser = await signIn(served);
    expect(await statuses(3, served, browser)).toEqual([101, 101, 101]);
    for (const guest of guests) guest.leave();
    await eventually(() => expect(served.wsSessions.stats().anonymousConnections).toBe(0));
    expect(await statuses(3, served)).toEqual([101, 101, 503]);
    expect(served.errors).toEqual([]);
  });

  test("a connection whose session authorize has saved does not count as one without a session", async () => {
    const served = await serveWith({
      maxAnonymousConnections: 0,
      authorize: async (req) => {
        data(req).name = "Ada";
        await req.session.save();
        return true;
      },
    });
    expect(await statuses(2, served)).toEqual([101, 101]);
    expect(served.wsSessions.stats()).toMatchObject({ connections: 2, anonymousConnections: 0 });
  });

  test("the connections of a node are limited, handshakes under way included", async () => {
    let asked = 0;
    let letIn: (is: boolean) => void = () => {};
    const thinking = new Promise<boolean>((resolve) => {
      letIn = resolve;
    });
    const served = await serveWith({
      maxConnections: 3,
      authorize: () => {
        asked++;
        return thinking;
      },
    });
    const browser = await signIn(served);
    const arriving = Promise.all([shake(served, browser), shake(served, browser), shake(served)]);
    await eventually(() => expect(asked).toBe(3));
    reads = 0;
    expect(await statuses(4, served, browser)).toEqual([503, 503, 503, 503]);
    expect([asked, reads]).toEqual([3, 0]);
    letIn(true);
    const opened = await arriving;
    expect(opened.map(({ status }) => status)).toEqual([101, 101, 101]);
    expect(await statuses(1, served, browser)).toEqual([503]);
    opened[0]?.leave();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(2));
    expect(await statuses(1, served, browser)).toEqual([101]);
  });

  test("guests whose authorize still runs leave half of the free places to users", async () => {
    let asked = 0;
    let letIn: (is: boolean) => void = () => {};
    const thinking = new Promise<boolean>((resolve) => {
      letIn = resolve;
    });
    const served = await serveWith({
      maxConnections: 9,
      authorize: (req) => {
        asked++;
        return data(req).name ? true : thinking;
      },
    });
    const browser = await signIn(served);
    expect(await statuses(1, served, browser)).toEqual([101]);
    const guests = statuses(12, served);
    await eventually(() => expect(served.wsSessions.stats().handshakes[503]).toBe(8));
    expect(asked).toBe(1 + 4);
    expect(await statuses(5, served, browser)).toEqual([101, 101, 101, 101, 503]);
    letIn(true);
    expect(await guests).toEqual([101, 101, 101, 101, ...Array.from({ length: 8 }, () => 503)]);
    expect(served.wsSessions.stats()).toMatchObject({ connections: 9, anonymousConnections: 4 });
    expect(served.errors).toEqual([]);
  });

  test("refused and aborted handshakes give their places back", async () => {
    let answer: () => boolean | Promise<boolean> = () => false;
    const served = await serveWith({
      maxConnections: 2,
      maxAnonymousConnections: 1,
      authorize: () => answer(),
    });
    for (let n = 0; n < 5; n++) expect(await statuses(1, served)).toEqual([403]);
    answer = () => new Promise(() => {});
    for (let n = 0; n < 5; n++) {
      const socket = await rawSocket(served.port);
      socket.write(handshake("/ws"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      await resetSocket(socket);
    }
    answer = () => true;
    await eventually(async () => expect(await statuses(1, served)).toEqual([101]));
    expect(served.wsSessions.stats().anonymousConnections).toBe(1);
  });
});

test("a handshake without a session that the last check refuses gives back its guest's place", async () => {
  let protocol: unknown = "what nobody has offered";
  const served = await serve({
    webSocket: { path: "/ws", maxAnonymousConnections: 1, handleProtocols: () => protocol as string },
  });
  const browser = served.browser();
  for (let n = 0; n < 3; n++)
    await expect(browser.webSocket("/ws", { protocols: ["chat"] })).rejects.toThrow("500");
  expect(served.wsSessions.stats().anonymousConnections).toBe(0);
  protocol = "chat";
  await browser.webSocket("/ws", { protocols: ["chat"] });
  expect(served.wsSessions.stats().anonymousConnections).toBe(1);
  await expect(browser.webSocket("/ws", { protocols: ["chat"] })).rejects.toThrow("503");
});

describe("the rate of handshakes", () => {
  test("allows the handshakes of ten seconds at once, and then its rate", () => {
    let now = 0;
    const rate = new HandshakeRate(10, () => now);
    const taken = (count: number) =>
      Array.from({ length: count }, () => rate.take("a")).filter((wait) => wait === undefined).length;
    expect(taken(150)).toBe(100);
    expect(rate.take("a")).toBe(1);
    now += 1_000;
    expect(taken(50)).toBe(10);
    expect(rate.take("b")).toBeUndefined();
    // A refused handshake does not count.
    now += 100;
    expect(taken(5)).toBe(1);
    now += 60_000;
    expect(taken(150)).toBe(100);
  });

  test("of less than one in ten seconds allows one", () => {
    let now = 0;
    const rate = new HandshakeRate(0.01, () => now);
    expect([rate.take("a"), rate.take("a")]).toEqual([undefined, 100]);
    now += 99_500;
    expect(rate.take("a")).toBe(1);
    now += 1_000;
    expect(rate.take("a")).toBeUndefined();
  });

  test("drops keys that were not used for long, and keeps at most 100,000", () => {
    let now = 0;
    const rate = new HandshakeRate(0.001, () => now);
    expect(rate.take("first")).toBeUndefined();
    expect(rate.take("first")).toBeGreaterThan(0);
    for (let n = 0; n < 100_000; n++) rate.take(`${n}`);
    // The key was dropped because of so many others, so it may come again.
    expect(rate.take("first")).toBeUndefined();
    expect(rate.size).toBe(100_000);
    now += 2_000_000;
    rate.take("last");
    expect(rate.size).toBe(1);
  });

  test("without a limit counts nothing", () => {
    const rate = new HandshakeRate(Number.POSITIVE_INFINITY);
    for (let n = 0; n < 1_000; n++) expect(rate.take("a")).toBeUndefined();
  });
});
