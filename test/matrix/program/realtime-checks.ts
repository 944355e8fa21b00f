import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { type App, type Line, Visitor, withinMs } from "./app.ts";

async function device(app: App, user: string, node: number): Promise<{ visitor: Visitor; line: Line }> {
  const visitor = new Visitor(app, node);
  await visitor.post(`/log-in/${user}`);
  return { visitor, line: await listening(visitor) };
}

/** A line whose groups are restored, which happens after the handshake and before its first event. */
async function listening(visitor: Visitor): Promise<Line> {
  const line = await visitor.connect();
  await line.ask("session");
  return line;
}

/** Connections on both nodes of two users. What is sent afterwards tells that nothing came before. */
export async function sendsToGroups(app: App): Promise<void> {
  const phone = await device(app, "lin", 0);
  const laptop = await device(app, "lin", 1);
  const other = await device(app, "joan", 1);
  const { visitor } = phone;
  await visitor.post("/join/lin/lobby");
  await visitor.at(1).post("/group/lobby", { n: 1 });
  await visitor.post("/join/joan/lobby");
  await visitor.post("/group/lobby", { n: 2 });
  for (const { line } of [phone, laptop])
    assert.deepEqual([await line.number(), await line.number()], [1, 2]);
  assert.equal(await other.line.number(), 2);
  assert.deepEqual(((await visitor.at(1).post("/presence/lobby")) as string[]).sort(), ["joan", "lin"]);

  await visitor.at(1).post("/leave/lin/lobby");
  await visitor.post("/group/lobby", { n: 3 });
  assert.equal(await other.line.number(), 3);
  await visitor.at(1).post("/user/lin", { n: 4 });
  await visitor.post("/user/lin", { n: 5 });
  for (const { line } of [phone, laptop])
    assert.deepEqual(new Set([await line.number(), await line.number()]), new Set([4, 5]));

  assert.equal(await visitor.post("/active/lin"), 2);
  phone.line.ws.close();
  await eventually(async () => assert.equal(await visitor.at(1).post("/active/lin"), 1), { withinMs });
}

export async function restoresGroups(app: App): Promise<void> {
  const { visitor, line } = await device(app, "mary", 0);
  await visitor.post("/join/mary/kept");
  line.ws.close();
  await line.code();
  const again = await listening(visitor.at(1));
  await visitor.post("/group/kept", { n: 1 });
  assert.equal(await again.number(), 1);
}

export async function keepsConnectionData(app: App): Promise<void> {
  const line = await new Visitor(app).connect();
  await line.ask("put", { value: { list: [1, "two"] } });
  assert.deepEqual(await line.ask("get"), { list: [1, "two"] });
}

export async function beats(app: App): Promise<void> {
  const visitor = new Visitor(app);
  await visitor.post("/set", { a: 1 });
  const silent = await visitor.connect("/impatient");
  const beating = await visitor.connect("/impatient");
  let answers = 0;
  const closed = silent.code();
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
  });
  while (!isClosed) {
    beating.ws.send(JSON.stringify({ event_type: "session.heartbeat", data: {} }));
    assert.deepEqual(await beating.next(), { status: "success" });
    answers++;
    await delay(500);
  }
  assert.equal(await closed, 4008);
  assert.ok(beating.isOpen && answers > 2, `after ${answers} heartbeats`);
}
