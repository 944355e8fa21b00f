import type { WebSocket } from "ws";
import { backends, type ExampleProcess, startExample } from "./example-process.ts";
import {
  event,
  PASSWORDS,
  request,
  runExample,
  type UserName,
  Visitor,
  type VisitorOptions,
} from "./visitors.ts";

const ENGINES = { room: "engines" };

/** Signs in and opens the page, which joins the lobby. */
async function open(visitor: Visitor, user: UserName): Promise<WebSocket> {
  await visitor.signIn(user);
  const ws = await visitor.openTab();
  expect(await request(ws, "room.join", { room: "lobby" })).toMatchObject({ status: "success" });
  return ws;
}

async function untilRooms(ws: WebSocket, expected: string[]): Promise<void> {
  for (;;) {
    const { rooms } = (await event(ws, "rooms")) as { rooms: string[] };
    if (String(rooms.sort()) === String(expected)) return;
  }
}

async function untilHere(ws: WebSocket, expected: string[]): Promise<void> {
  for (;;) {
    const { room, here } = (await event(ws, "people")) as { room: string; here: string[] };
    if (room === "lobby" && String(here.sort()) === String(expected)) return;
  }
}

describe.each(backends)("the rooms of the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test("a room is joined and left on all devices at once", async () => {
    const [laptop, phone] = [await open(visitor(), "ada"), await open(visitor(), "ada")];
    await request(laptop, "room.join", ENGINES);
    await untilRooms(phone, ["engines", "lobby"]);
    await request(phone, "room.leave", ENGINES);
    await untilRooms(laptop, ["lobby"]);
    for (const ws of [laptop, phone]) ws.close();
  });

  test("a message reaches all members on all devices and nobody else, and is kept", async () => {
    const [ada, phone, grace] = [
      await open(visitor(), "ada"),
      await open(visitor(), "ada"),
      await open(visitor(), "grace"),
    ];
    await request(ada, "room.join", ENGINES);
    const sent = { ...ENGINES, text: " It <runs>. ", key: "k" };
    expect(await request(ada, "message.send", sent)).toMatchObject({ status: "success" });
    const message = { id: "ada/k", ...ENGINES, from: "ada", text: "It <runs>.", at: expect.any(Number) };
    expect(await event(phone, "message")).toEqual(message);

    expect(await request(grace, "typing", ENGINES)).toMatchObject({ error: { code: "not_a_member" } });
    expect(await request(grace, "message.send", sent)).toMatchObject({ error: { code: "not_a_member" } });
    const { data } = await request(grace, "room.join", ENGINES);
    expect(data).toEqual({ messages: [message] });
    for (const ws of [ada, phone, grace]) ws.close();
  });

  test("the latest 100 messages of a room are kept", async () => {
    const ws = await open(visitor(), "ada");
    // The users take turns, because one user may not send so many messages in a second.
    const senders = [ws, await open(visitor(), "ada")];
    await request(ws, "room.join", { room: "music" });
    for (let sent = 0; sent < 101; sent++) {
      const sender = senders[sent % 2] as WebSocket;
      await request(sender, "message.send", { room: "music", text: `${sent}`, key: `${sent}` });
    }
    const { data } = await request(ws, "room.join", { room: "music" });
    const { messages } = data as { messages: { text: string }[] };
    expect([messages.length, messages[0]?.text, messages[99]?.text]).toEqual([100, "1", "100"]);
    for (const sender of senders) sender.close();
  });

  test("typing is shown to other users and on other devices of the typing user", async () => {
    const [ada, phone] = [await open(visitor(), "ada"), await open(visitor(), "ada")];
    const grace = await open(visitor(), "grace");
    await request(ada, "typing", { room: "lobby" });
    for (const ws of [phone, grace]) {
      expect(await event(ws, "typing")).toEqual({ room: "lobby", from: "ada" });
    }
    for (const ws of [ada, phone, grace]) ws.close();
  });

  test("a user who arrives is shown to all present users", async () => {
    const ada = await open(visitor(), "ada");
    const grace = await open(visitor(), "grace");
    await untilHere(ada, ["ada", "grace"]);
    for (const ws of [ada, grace]) ws.close();
  });

  test.each([
    ["no text", { text: "" }],
    ["nothing but spaces", { text: "  \n " }],
    ["too much text", { text: "x".repeat(2001) }],
    ["text that is no text", { text: 1 }],
    ["no key", { key: undefined }],
    ["a room that there is not", { room: "attic" }],
  ])("a message with %s is refused", async (_, wrong) => {
    const ws = await open(visitor(), "ada");
    const answer = await request(ws, "message.send", { room: "lobby", text: "Hello", key: "k", ...wrong });
    expect(answer).toMatchObject({ status: "error", error: { code: "invalid_data" } });
    ws.close();
  });
});

describe("two nodes of the example with one Redis", () => {
  let nodes: ExampleProcess[] = [];
  const visitors: Visitor[] = [];
  const visitor = ({ url = "" }: VisitorOptions) => {
    const made = new Visitor(url);
    visitors.push(made);
    return made;
  };

  beforeAll(async () => {
    const env = backends.find(({ name }) => name === "Redis")?.env();
    nodes = await Promise.all([startExample(env), startExample(env)]);
  }, 30_000);
  afterAll(async () => {
    for (const made of visitors) made.close();
    await Promise.all(nodes.map((node) => node.stop()));
  });

  test("share sessions, rooms, messages and passwords", async () => {
    const [first, second] = nodes as [ExampleProcess, ExampleProcess];
    const [here, there] = [visitor(first), visitor(second)];
    const [ada, phone] = [await open(here, "ada"), await open(there, "ada")];
    const grace = await open(visitor(second), "grace");

    await request(grace, "message.send", { room: "lobby", text: "Across", key: "1" });
    expect(await event(ada, "message")).toMatchObject({ from: "grace", text: "Across" });

    expect((await here.changePassword(PASSWORDS.ada, "difference engine")).json()).toMatchObject({
      sessionsDeleted: 1,
    });
    await there.expectSignedOut(phone);
    expect((await there.trySignIn("ada", PASSWORDS.ada)).status).toBe(401);
    await there.signIn("ada", "difference engine");

    // A cookie of one node works on the other.
    const wanderer = visitor(second);
    for (const [name, value] of here.cookies) wanderer.cookies.set(name, value);
    expect(await wanderer.account()).toMatchObject({ user: "ada" });
    for (const ws of [ada, grace]) ws.close();
  });
});
