import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type Place, places, sharedPlaces } from "./places.ts";
import { ask, overHttp, type Served, serve, sidOf, signIn, stored } from "./support.ts";

describe.each(places)("a session on $place, shared by HTTP and WebSocket", ({ open }) => {
  let place: Place;
  let served: Served;

  beforeEach(async () => {
    place = await open();
    served = await serve({ place });
  });

  test("a WebSocket has the data that HTTP has saved", async () => {
    const browser = await signIn(served, { name: "Ada", nested: { a: [1, { b: 2 }] } });
    const ws = await browser.webSocket("/ws");
    expect(await ask(ws, "get")).toEqual({ name: "Ada", nested: { a: [1, { b: 2 }] } });
  });

  test("HTTP and the next WebSocket have the data that a WebSocket has saved", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await ask(ws, "set", { visits: 1 });
    expect(await ask(ws, "save")).toEqual({ name: "Ada", visits: 1 });
    expect(await overHttp(browser)).toEqual({ name: "Ada", visits: 1 });
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada", visits: 1 });
  });

  test("unsaved changes are visible to nobody else, and are not written on close", async () => {
    const browser = await signIn(served);
    const before = await stored(place.store, sidOf(browser));
    const ws = await browser.webSocket("/ws");
    await ask(ws, "set", { visits: 1 });
    expect(await overHttp(browser)).toEqual({ name: "Ada" });
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada" });
    ws.close();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(1));
    expect(await overHttp(browser)).toEqual({ name: "Ada" });
    expect(await stored(place.store, sidOf(browser))).toEqual(before);
  });

  test("a save merges with later changes of HTTP, and shows them", async () => {
    const browser = await signIn(served, { name: "Ada", cart: ["tea"] });
    const ws = await browser.webSocket("/ws");
    await browser.post("/session", { json: { cart: ["tea", "milk"] } });
    await ask(ws, "set", { visits: 1 });
    const merged = { name: "Ada", cart: ["tea", "milk"], visits: 1 };
    expect(await ask(ws, "save")).toEqual(merged);
    expect(await overHttp(browser)).toEqual(merged);
  });

  test("the last of two saves of one key wins", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await browser.post("/session", { json: { name: "Grace" } });
    await ask(ws, "set", { name: "Edith" });
    await ask(ws, "save");
    expect(await overHttp(browser)).toEqual({ name: "Edith" });
  });

  test("saves of many connections at the same time lose nothing", async () => {
    const browser = await signIn(served);
    const tabs = await Promise.all(Array.from({ length: 8 }, () => browser.webSocket("/ws")));
    await Promise.all(tabs.map((ws, at) => ask(ws, "set", { [`tab${at}`]: at })));
    await Promise.all([
      ...tabs.map((ws) => ask(ws, "save")),
      browser.post("/session", { json: { http: true } }),
    ]);
    const all = Object.fromEntries(tabs.map((_, at) => [`tab${at}`, at]));
    expect(await overHttp(browser)).toEqual({ name: "Ada", http: true, ...all });
  });

  test("reload shows the changes that others have saved", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    await browser.post("/session", { json: { name: "Grace" } });
    expect(await ask(ws, "get")).toEqual({ name: "Ada" });
    expect(await ask(ws, "reload")).toEqual({ name: "Grace" });
  });

  test("a save after the session was destroyed rejects, and does not bring it back", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    await browser.post("/destroy");
    await expect(req.session.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    await expect(req.session.reload()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await stored(place.store, sidOf(browser))).toBeUndefined();
    expect(await overHttp(browser)).toEqual({});
    expect(served.errors).toEqual([]);
  });

  test("a new session cannot be saved after the handshake, and is not stored", async () => {
    const ws = await served.browser().webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    expect(await ask(ws, "set", { visits: 1 })).toEqual({ visits: 1 });
    expect(await ask(ws, "save")).toEqual({ error: "ERR_SESSION_NOT_CARRIED" });
    expect(await stored(place.store, req.sessionID)).toBeUndefined();
    expect(await ask(ws, "get")).toEqual({ visits: 1 });
  });

  test("regenerate on an open WebSocket rejects and keeps the session", async () => {
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    expect(await ask(ws, "regenerate")).toEqual({ error: "ERR_SESSION_NOT_CARRIED" });
    expect(await ask(ws, "get")).toEqual({ name: "Ada" });
    expect(await overHttp(browser)).toEqual({ name: "Ada" });
    await ask(ws, "set", { visits: 1 });
    expect(await ask(ws, "save")).toEqual({ name: "Ada", visits: 1 });
  });

  test("save with a callback works as in express-session", async () => {
    const browser = await signIn(served);
    await browser.webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    const error = await new Promise((resolve) => req.session.save(resolve));
    expect(error ?? undefined).toBeUndefined();
  });
});

describe.each(sharedPlaces)("a session on $place that another process has deleted", ({ open }) => {
  test("is not written back: a save rejects and closes the connection", async () => {
    const place = await open();
    const served = await serve({ place });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    await place.deleteFromOutside?.(sidOf(browser));
    await expect(req.session.save()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
    expect(await stored(place.store, sidOf(browser))).toBeUndefined();
  });

  test("is found gone by a reload, which also closes the connection", async () => {
    const place = await open();
    const served = await serve({ place });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const { req } = served.opened[0] as Served["opened"][0];
    await place.deleteFromOutside?.(sidOf(browser));
    await expect(req.session.reload()).rejects.toMatchObject({ code: "ERR_SESSION_DELETED" });
    expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
  });
});
