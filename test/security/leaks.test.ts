import { Browser, closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node-process.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { cookieOf, handshake } from "../websocket/raw-handshake.ts";
import { Clients, planted } from "./leaking-clients.ts";

const started: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of started.splice(0).reverse()) await each.stop();
});

async function startApp(url?: string): Promise<NodeProcess> {
  const node = await startNodeProcess("test/security/leaks-main.ts", {
    DEBUG: "express-session-stack:*",
    SECRET: planted.secret as string,
    PREFIX: "leaks:",
    ...(url && { REDIS_OF_APP: url }),
  });
  started.push({ stop: () => node.kill() });
  return node;
}

/** A Redis with the planted password that lacks some commands. */
async function startRedis(
  ...lacking: string[]
): Promise<{ server: RedisServer; url: string; client: RedisClient }> {
  const without = lacking.flatMap((command) => ["--rename-command", command, ""]);
  const server = await startRedisServer({ args: ["--requirepass", planted.password as string, ...without] });
  const url = server.url.replace("//", `//default:${planted.password}@`);
  const client = await connectRedis(url);
  started.push({ stop: () => server.stop() }, { stop: async () => client.destroy() });
  return { server, url, client };
}

/** Errors that a client can provoke with any backend. */
async function provoke(node: NodeProcess, clients: Clients): Promise<void> {
  const port = Number(new URL(node.url).port);
  const ada = await clients.signedIn("ada");
  const text = planted.message;
  await clients.ask(ada, [
    ["fail", { text }],
    [`unknown ${text}`, { text }],
    ["join", { group: "closed" }],
    ["join", { group: 7 }],
    ["join", { group: "a" }],
    ["join", { group: "b" }],
    ["join", { group: "c" }],
    ["save", { text }],
    ["store", { text }],
    ["circle", { text }],
    ["send", { text }],
  ]);
  const rude = await eventually(
    async () => {
      const ws = await clients.connect(ada, "", { protocols: [planted.protocol] });
      if (!ws) throw new Error("The handshake was refused.");
      return ws;
    },
    { withinMs: 15_000 },
  );
  expect(await clients.connect(ada)).toBeUndefined();
  for (const bad of [`{"${text}`, `["${text}"]`, `{"event_type":7,"id":{"a":"${text}"}}`]) rude.send(bad);
  rude.send(Buffer.from(text as string));
  for (let n = 0; n < 100; n++) rude.send(JSON.stringify({ event_type: "fail", data: { text } }));
  await closed(rude);
  const other = await clients.signedIn("bob");
  for (const [query, options] of [
    ["&fail", {}],
    ["&forbid", {}],
    ["", { origin: `http://${planted.header}@evil.example/?${planted.query}` }],
    ["", { protocols: ["fail", planted.protocol] }],
  ] as const)
    await clients.connect(other, query, options);
  for (let n = 0; n < 15; n++) await clients.connect(other, "&forbid");
  const cookie = cookieOf(other);
  for (const bytes of [
    handshake(`/other?token=${planted.query}`, cookie),
    handshake("/ws", { ...cookie, "Sec-WebSocket-Key": planted.header }),
    handshake("/ws", { Cookie: `connect.sid=s%3A${planted.cookie}.${planted.cookie}` }),
    handshake("http://[", cookie),
  ])
    clients.answers.push(await rawRequest(port, bytes, { until: "\r\n\r\n" }));
  for (const path of ["/circle", "/big", "/age"]) expect(await clients.send(other, path)).toBe(500);
  await clients.send(clients.visitor(), "/late");
  await clients.connect(clients.visitor());
  await clients.send(clients.visitor(), "/login/guest");
  expect(await clients.send(ada, "/save-ended", {})).toBe(401);
  await clients.send(ada, "/set", { text: planted.body });
}

/** Asserts that no output and no answer contains a planted secret or a secret of a client. */
async function expectNothingOf(
  node: NodeProcess,
  clients: Clients,
  reached: readonly string[],
): Promise<void> {
  const output = `${node.output()}\n${await new Browser(node.url).get("/metrics").then(
    ({ body }) => body,
    () => "",
  )}`;
  for (const each of reached) expect(output).toContain(each);
  const everywhere = `${output}\n${clients.answers.join("\n")}`;
  for (const [name, value] of Object.entries(planted))
    expect({ name, isIn: everywhere.includes(value) }).toEqual({ name, isIn: false });
  expect(clients.secrets.size).toBeGreaterThan(5);
  for (const value of clients.secrets) expect(everywhere).not.toContain(value);
}

/** Output that shows that each way was tried. */
const ways = [
  ...["ERR_SESSION_DELETED", "ERR_SESSION_NOT_CARRIED", "ERR_GROUP_FORBIDDEN", "ERR_TOO_MANY_GROUPS"],
  ...[
    "a failure of the app",
    "a failure of authorize",
    "circular structure",
    "BigInt",
    "cookie.expires must be",
  ],
  ...["refused with 400", "refused with 403", "refused with 404", "refused with 429", "refused with 500"],
  ...["logged in", 'closes_total{code="4029"}', 'handshakes_total{status="403"}'],
];

test("on memory, no error, debug line, figure or answer contains a secret, id, cookie, contents or message", async () => {
  const node = await startApp();
  const clients = new Clients(node.url);
  await provoke(node, clients);
  const full = await clients.signedIn("eve");
  expect(await clients.send(full, "/set", { text: planted.contents, big: "x".repeat(8_000) })).toBe(503);
  await expectNothingOf(node, clients, [...ways, "ERR_MEMORY_FULL"]);
});

test("on Redis, nor do errors of unreadable data, of another program's keys or of a silent server", async () => {
  const { server, url, client } = await startRedis();
  const node = await startApp(url);
  const clients = new Clients(node.url);
  await provoke(node, clients);
  const broken = await clients.signedIn("broken");
  for (const key of await client.keys("leaks:sess:*"))
    await client.set(key, `{"cookie":{},"${planted.contents}`);
  await clients.send(broken, "/set");
  await clients.connect(broken);
  await client.set("leaks:session-stack:user:taken:sessions", planted.contents as string);
  expect(await clients.send(clients.visitor(), "/login/taken")).toBe(503);
  const ada = await clients.signedIn("ada");
  server.pause();
  expect(await clients.send(ada, "/set", { text: planted.contents })).toBe(503);
  await clients.connect(ada);
  server.resume();
  await server.kill();
  expect(await clients.send(ada, "/set", { text: planted.contents })).toBe(503);
  await clients.connect(ada);
  const reached = ["ERR_SESSION_UNREADABLE", "ERR_KEY_TAKEN", "ERR_STORE_UNAVAILABLE", "refused with 503"];
  await expectNothingOf(node, clients, [...ways, ...reached]);
});

// Once, the cause had Redis's quote of an unknown command: the id, the contents, the message.
test.each([
  ["GETDEL", ["/logout", "/login/ada"]],
  ["EVALSHA", ["/set", "/login/ada"]],
])(
  "on a Redis without %s, nor do errors in which Redis quotes an unknown command",
  async (command, paths) => {
    const { url } = await startRedis(command);
    const node = await startApp(url);
    const clients = new Clients(node.url);
    const browser = clients.visitor();
    await clients.send(browser, "/set", { text: planted.contents });
    for (const path of paths) await clients.send(browser, path, { text: planted.contents });
    const output = node.output();
    expect(output).toContain(`unknown command '${command}'`);
    for (const value of [...Object.values(planted), ...clients.secrets, "leaks:sess:"])
      expect(output).not.toContain(value);
  },
);
