import assert from "node:assert/strict";
import type { DeletionReceipt } from "../../../lib/index.ts";
import { UpgradeRefusedError } from "../../support/browser.ts";
import { type App, Visitor } from "./app.ts";

export async function sharesSession(app: App): Promise<void> {
  const ada = new Visitor(app);
  await ada.post("/set", { visits: 1 });
  assert.deepEqual(await (await ada.connect("/plain")).next(), { visits: 2 });
  assert.deepEqual(await ada.at(1).session(), { visits: 2 });
  assert.deepEqual(await (await ada.at(1).connect("/plain")).next(), { visits: 3 });
  assert.deepEqual(await ada.session(), { visits: 3 });
}

export async function savesWhenAsked(app: App): Promise<void> {
  const ada = new Visitor(app);
  await ada.post("/set", { a: 1 });
  const line = await ada.connect();
  await line.ask("set", { b: 2 });
  assert.deepEqual(await line.ask("session"), { a: 1, b: 2 });
  assert.deepEqual(await ada.session(), { a: 1 });
  assert.deepEqual(await ada.at(1).session(), { a: 1 });
  await line.ask("save");
  assert.deepEqual(await ada.session(), { a: 1, b: 2 });
  assert.deepEqual(await ada.at(1).session(), { a: 1, b: 2 });
}

export async function mergesSaves(app: App): Promise<void> {
  const ada = new Visitor(app);
  const other = ada.at(1);
  await ada.post("/set", { cart: ["tea"] });
  const held = [
    await ada.hold("merge", { a: 1 }),
    await ada.hold("merge", { b: 2 }),
    await other.hold("merge", { c: 3 }),
  ];
  await Promise.all([ada.post("/release/merge"), other.post("/release/merge")]);
  await Promise.all(held.map(({ answer }) => answer));
  for (const at of [ada, other]) assert.deepEqual(await at.session(), { cart: ["tea"], a: 1, b: 2, c: 3 });
}

export async function staysDeleted(app: App): Promise<void> {
  const ada = new Visitor(app);
  await ada.post("/set", { a: 1 });
  const before = new Map(ada.cookies);
  const line = await ada.connect();
  const held = await ada.hold("deleted", { b: 2 });
  await ada.at(1).post("/destroy");
  assert.equal(await line.code(), 4501);
  const late = new Visitor(app);
  await late.post("/release/deleted");
  await held.answer;
  for (const node of [0, 1]) {
    const old = new Visitor(app, node);
    for (const [name, value] of before) old.cookies.set(name, value);
    assert.deepEqual(await old.session(), {});
  }
}

export async function logsInAndOut(app: App): Promise<void> {
  const grace = new Visitor(app);
  await grace.post("/set", { theme: "dark" });
  const [[name, guest] = []] = [...grace.cookies];
  await grace.post("/log-in/grace");
  assert.ok(name && guest);
  assert.notEqual(grace.cookies.get(name), guest, "a login gives the session a new id");
  const { login, theme } = await grace.at(1).session();
  assert.deepEqual(
    { user: (login as { userId: string }).userId, theme },
    { user: "grace", theme: undefined },
  );
  assert.equal(((await grace.post("/sessions/grace")) as unknown[]).length, 1);
  const line = await grace.at(1).connect();
  const cookie = grace.cookies.get(name) as string;
  await grace.post("/log-out");
  assert.equal(await line.code(), 4501);
  assert.equal(grace.cookies.has(name), false, "a logout expires the cookie");
  grace.cookies.set(name, cookie);
  assert.deepEqual(await grace.at(1).session(), {});
  assert.deepEqual(await grace.post("/sessions/grace"), []);
}

export async function endsUsersSessions(app: App): Promise<void> {
  const devices = [new Visitor(app, 0), new Visitor(app, 1)];
  const lines = [];
  for (const device of devices) {
    await device.post("/log-in/ada");
    lines.push(await device.connect());
  }
  const cookies = devices.map((device) => new Map(device.cookies));
  const receipt = (await new Visitor(app).post("/delete/ada")) as DeletionReceipt;
  const { sessionsDeleted, connectionsClosed, silentNodes } = receipt;
  assert.deepEqual({ sessionsDeleted, silentNodes }, { sessionsDeleted: 2, silentNodes: [] });
  // A node may find a new connection's session gone by its own first look, in the moment before it is asked.
  assert.ok(connectionsClosed <= 2);
  for (const line of lines) assert.equal(await line.code(), 4501);
  for (const jar of cookies) {
    for (const node of [0, 1]) {
      const old = new Visitor(app, node);
      for (const [name, value] of jar) old.cookies.set(name, value);
      assert.deepEqual(await old.session(), {});
    }
  }
  assert.deepEqual(await new Visitor(app).post("/sessions/ada"), []);
}

export async function refusesForeignOrigins(app: App): Promise<void> {
  const ada = new Visitor(app);
  await assert.rejects(ada.connect("/ws", { origin: "http://foreign.test" }), (error) => {
    return error instanceof UpgradeRefusedError && error.statusCode === 403;
  });
  await ada.connect("/ws", { origin: "http://matrix.test" });
}
