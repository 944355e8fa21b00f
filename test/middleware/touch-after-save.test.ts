import type { Express, Request } from "express";
import session from "express-session";
import type { Backend } from "../../lib/index.ts";
import { gate, indexed, places, type Served, serve, sidOf, signIn } from "../users/support.ts";

const dayMs = 86_400_000;
const lives = [
  { life: "30 days", ms: 30 * dayMs },
  { life: "an hour", ms: 3_600_000 },
];

/** The remaining lives of the session's index entry and of the session itself, in milliseconds. */
async function livesOf(backend: Backend, sid: string) {
  const [entry] = await backend.sessionIndex.entries("ada");
  const [expiresAt] = await backend.sessions.expiries([sid]);
  return { entryMs: (entry?.expiresAt ?? 0) - Date.now(), sessionMs: (expiresAt ?? 0) - Date.now() };
}

function slowAndAged(app: Express, gates: { arrived: () => void; go: Promise<void> }) {
  app.get("/slow", async (_req, res) => {
    gates.arrived();
    await gates.go;
    res.end();
  });
  app.post("/age/:ms", (req, res) => {
    req.session.cookie.maxAge = Number(req.params.ms);
    res.end();
  });
}

// Once, the touch of a request that had loaded the session earlier restored its old life.
describe.each(places)("a touch on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;
  let arrived: ReturnType<typeof gate>;
  let go: ReturnType<typeof gate>;

  beforeEach(async () => {
    backend = await open();
    [arrived, go] = [gate(), gate()];
    served = await serve({
      backend,
      session: { cookie: { maxAge: dayMs }, touchAfterMs: 0 },
      routes: (app) => slowAndAged(app, { arrived: () => arrived.open(), go: go.opened }),
      webSocket: { authorize: () => true },
    });
    served.wsSessions.on("connection", (ws, req: Request) => {
      ws.on("message", async (message) => {
        req.session.cookie.maxAge = Number(String(message));
        await req.session.save();
        ws.send("saved");
      });
    });
  });

  async function expectLife(sid: string, ms: number) {
    const { entryMs, sessionMs } = await livesOf(backend, sid);
    expect(Math.abs(sessionMs - ms)).toBeLessThan(10_000);
    // The entry may outlive its session, but not the other way round.
    expect(entryMs).toBeGreaterThan(sessionMs - 2_000);
  }

  test.each(lives)("keeps the $life that another request has saved", async ({ ms }) => {
    const browser = await signIn(served);
    const slow = browser.get("/slow");
    await arrived.opened;
    await browser.post(`/age/${ms}`);
    go.open();
    await slow;
    await expectLife(sidOf(browser), ms);
    expect(await indexed(backend, "ada")).toEqual([sidOf(browser)]);
  });

  test.each(lives)("keeps the $life that a message has saved", async ({ ms }) => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const slow = browser.get("/slow");
    await arrived.opened;
    const saved = new Promise<void>((resolve) => {
      ws.on("message", (data) => String(data) === "saved" && resolve());
    });
    ws.send(String(ms));
    await saved;
    go.open();
    await slow;
    await expectLife(sidOf(browser), ms);
  });

  test("still moves the expiry of a session that is stored as it was loaded", async () => {
    const browser = await signIn(served);
    const sid = sidOf(browser);
    const { sessionMs } = await livesOf(backend, sid);
    const stored = await backend.sessions.read(sid);
    if (!stored) throw new Error("not stored");
    stored.data.cookie.maxAge = 60_000;
    await backend.sessions.refresh(sid, stored.data);
    await browser.get("/me");
    expect((await livesOf(backend, sid)).sessionMs).toBeGreaterThan(sessionMs - 10_000);
  });
});

test("a touch in another store keeps the age that another request has saved", async () => {
  const store = new session.MemoryStore();
  const [arrived, go] = [gate(), gate()];
  const served = await serve({
    backend: await (places[0] as (typeof places)[number]).open(),
    session: { store, cookie: { maxAge: dayMs }, touchAfterMs: 0 },
    routes: (app) => slowAndAged(app, { arrived: () => arrived.open(), go: go.opened }),
  });
  const browser = await signIn(served);
  const slow = browser.get("/slow");
  await arrived.opened;
  await browser.post("/age/3600000");
  go.open();
  await slow;
  const found = await new Promise<session.SessionData | null | undefined>((resolve, reject) => {
    store.get(sidOf(browser), (error, data) => (error ? reject(error) : resolve(data)));
  });
  const expires = new Date(found?.cookie.expires as never).getTime();
  expect(expires - Date.now()).toBeLessThanOrEqual(3_600_000);
});
