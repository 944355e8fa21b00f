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

/** Signs in, opens the page, and waits until it shows the rooms. */
async function open(visitor: Visitor, user: UserName): Promise<{ ws: WebSocket; rooms: unknown }> {
  await visitor.signIn(user);
  const { ws } = await visitor.openTab();
  return { ws, rooms: await event(ws, "rooms") };
}

describe.each(backends)("the rooms of the example on $name", ({ env }) => {
  const visitor = runExample(env);

  test("everybody is in the lobby, and nobody can leave it", async () => {
    const { ws, rooms } = await open(visitor(), "ada");
    expect(rooms).toMatchObject({ rooms: expect.arrayContaining(["lobby"]) });
    expect(await request(ws, "room.leave", { room: "lobby" })).toMatchObject({ error: { code: "lobby" } });
    ws.close();
  });

  test("a room is joined and left on all devices at once", async () => {
    const [laptop, phone] = [await open(visitor(), "ada"), await open(visitor(), "ada")];
    await request(laptop.ws, "room.join", ENGINES);
    const joined = (await event(phone.ws, "rooms")) as { rooms: string[] };
    expect(joined.rooms.sort()).toEqual(["engines", "lobby"]);
    expect(await request(phone.ws, "room.open", ENGINES)).toMatchObject({ status: "success" });
    await request(phone.ws, "room.leave", ENGINES);
    expect(await event(laptop.ws, "rooms")).toEqual({ rooms: ["lobby"] });
    for (const { ws } of [laptop, phone]) ws.close();
  });

  test("what is written reaches all members on all devices, stays, and reaches nobody else", async () => {
    const [ada, phone, grace] = [
      await open(visitor(), "ada"),
      await open(visitor(), "ada"),
      await open(visitor(), "grace"),
    ];
    await request(ada.ws, "room.join", ENGINES);
    const sent = { ...ENGINES, text: " It <runs>. ", key: "k" };
    expect(await request(ada.ws, "message.send", sent)).toMatchObject({ status: "success" });
    const message = {
      id: "ada/k",
      ...ENGINES,
      from: "ada",
      name: "Ada",
      text: "It <runs>.",
      at: expect.any(Number),
    };
    expect(await event(phone.ws, "message")).toEqual(message);

    for (const type of ["room.open", "typing"]) {
      expect(await request(grace.ws, type, ENGINES)).toMatchObject({ error: { code: "not_a_member" } });
    }
    expect(await request(grace.ws, "message.send", sent)).toMatchObject({ error: { code: "not_a_member" } });
    await request(grace.ws, "room.join", ENGINES);
    const { data } = await request(grace.ws, "room.open", ENGINES);
    expect(data).toEqual({
      messages: [message],
      people: [
        { id: "ada", name: "Ada", isHere: true },
        { id: "grace", name: "Grace", isHere: true },
      ],
    });
    for (const { ws } of [ada, phone, grace]) ws.close();
  });

  test("typing is told to others, and to no page of who types but other devices", async () => {
    const [ada, grace] = [await open(visitor(), "ada"), await open(visitor(), "grace")];
    await request(ada.ws, "typing", { room: "lobby" });
    expect(await event(grace.ws, "typing")).toEqual({ room: "lobby", from: "ada", name: "Ada" });
    for (const { ws } of [ada, grace]) ws.close();
  });

  test("who comes is shown to all who are there", async () => {
    const ada = await open(visitor(), "ada");
    const grace = await open(visitor(), "grace");
    await request(grace.ws, "room.join", { room: "music" });
    await request(ada.ws, "room.join", { room: "music" });
    const people = [
      { id: "ada", name: "Ada", isHere: true },
      { id: "grace", name: "Grace", isHere: true },
    ];
    expect(await event(grace.ws, "people")).toBeDefined();
    expect(await request(grace.ws, "room.open", { room: "music" })).toMatchObject({ data: { people } });
    for (const { ws } of [ada, grace]) ws.close();
  });

  test.each([
    ["no text", { text: "" }],
    ["nothing but spaces", { text: "  \n " }],
    ["too much text", { text: "x".repeat(2001) }],
    ["text that is no text", { text: 1 }],
    ["no key", { key: undefined }],
    ["a room that there is not", { room: "attic" }],
  ])("a message with %s is refused", async (_, wrong) => {
    const { ws } = await open(visitor(), "ada");
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

    await request(grace.ws, "message.send", { room: "lobby", text: "Across", key: "1" });
    expect(await event(ada.ws, "message")).toMatchObject({ name: "Grace", text: "Across" });

    expect((await here.changePassword(PASSWORDS.ada, "difference engine")).json()).toEqual({
      sessionsEnded: 1,
    });
    await there.expectSignedOut(phone.ws);
    expect((await there.trySignIn("ada", PASSWORDS.ada)).status).toBe(401);
    await there.signIn("ada", "difference engine");

    // A cookie of one node is good on the other.
    const wanderer = visitor(second);
    for (const [name, value] of here.cookies) wanderer.cookies.set(name, value);
    expect(await wanderer.session()).toMatchObject({ name: "Ada" });
    for (const { ws } of [ada, grace]) ws.close();
  });
});
