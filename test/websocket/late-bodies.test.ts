import { once } from "node:events";
import { createServer, type Server, type ServerOptions } from "node:http";
import type { Socket } from "node:net";
import express, { type Express } from "express";
import { listen } from "../support/http-server.ts";
import { rawRequest, rawSocket } from "../support/raw-socket.ts";
import { within } from "../support/within.ts";
import { answerIn } from "./raw-handshake.ts";
import { afterThisTest, ask, data, type Served, serve, signIn, versions } from "./support.ts";

/** From version 26 on, Node reads the body of a request that asks for an upgrade. */
const readsBodies = Number.parseInt(process.versions.node, 10) >= 26;

const BODY = '{"a":1}';
const JSON_BODY = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`;

/** The head of a request that asks for h2c. */
function head(line: string, more = "", host = "Host: 127.0.0.1\r\n"): string {
  return `${line} HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n${more}\r\n`;
}

interface Late {
  served: Served;
  server: Server;
  port: number;
  line: Socket;
  /** What was received until the line is closed. */
  received: Promise<string>;
  /** The failure of a body at the server. */
  failed: Promise<string>;
}

/** Sends a head, and resolves once the app has the request. */
async function sendHead(
  bytes: string,
  { createApp, limits }: { createApp?: () => Express; limits?: ServerOptions } = {},
): Promise<Late> {
  let arrive = () => {};
  let fail = (_message: string) => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });
  const served = await serve({
    ...(createApp && { createApp }),
    routes: (app) => {
      app.post("/late", (req, res, next) => {
        arrive();
        express.json()(req, res, (error) => {
          if (error) fail(error.message);
          if (error) next(error);
          else res.json({ body: req.body, ip: req.ip, headers: req.headers, raw: req.rawHeaders.join(" ") });
        });
      });
      app.post("/unread", (_req, res) => void res.status(403).send("no"));
    },
  });
  const { server, port, close } = await listen(createServer(limits ?? {}, served.app));
  afterThisTest(close);
  server.on("upgrade", served.wsSessions.handleUpgrade);
  const line = await rawSocket(port);
  afterThisTest(() => line.destroy());
  const received = new Promise<string>((resolve) => {
    let text = "";
    line.setEncoding("latin1").on("data", (part) => {
      text += part;
    });
    line.once("close", () => resolve(text));
  });
  line.write(bytes);
  if (bytes.includes(" /late ")) await within(arrived, 5_000, "request");
  return { served, server, port, line, received, failed };
}

const statuses = (received: string) =>
  received.match(/HTTP\/1\.1 \d+/g)?.map((line) => Number(line.slice(9)));

// On Node 26 the body of such a request was lost, and the client waited for ever.
describe.each(versions)("on $version a body that comes later", ({ createApp }) => {
  test("is read by the app, in a request without the upgrade", async () => {
    const { line, received } = await sendHead(head("POST /late", `${JSON_BODY}X: y\r\n`), { createApp });
    line.write(BODY.slice(0, 3));
    line.write(`${BODY.slice(3)}GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    const bytes = await within(received, 5_000, "answer");
    const seen = JSON.parse(/\{"body.*\}/.exec(bytes)?.[0] ?? "{}");
    expect(seen).toMatchObject({ body: { a: 1 }, ip: "127.0.0.1", headers: { connection: "", x: "y" } });
    expect(seen.headers).not.toHaveProperty("upgrade");
    expect(seen.headers).not.toHaveProperty("http2-settings");
    expect(seen.raw).not.toMatch(/upgrade|h2c|http2/i);
    // On Node 26 the answer ends the line, and says so.
    expect(statuses(bytes)).toEqual(readsBodies ? [200] : [200, 200]);
    expect(bytes.includes("Connection: close\r\n")).toBe(true);
  });

  test("may come in chunks, with trailers", async () => {
    const chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n";
    const { line, received } = await sendHead(head("POST /late", chunked), { createApp });
    line.write('4\r\n{"a"\r\n');
    line.write("3\r\n:1}\r\n0\r\nT: u\r\n\r\n");
    line.end();
    expect(await within(received, 5_000, "answer")).toContain('{"body":{"a":1}');
  });

  test("that never comes to its end fails at the app, and ends nothing else", async () => {
    const { served, line, failed } = await sendHead(head("POST /late", JSON_BODY), { createApp });
    line.write(BODY.slice(0, 3), () => line.resetAndDestroy());
    expect(await within(failed, 5_000, "failure")).toMatch(/aborted/);
    const ws = await (await signIn(served)).webSocket("/ws");
    expect(await ask(ws, "get")).toEqual({ name: "Ada" });
    expect(served.errors).toEqual([]);
  });
});

// Node 26 does not tell that the body of an upgrade is malformed. It waits for more, as long as for any body.
test.each([
  ["never comes to its end", "4\r\n"],
  ["is malformed", "no length\r\n"],
])("a body that %s is given up by the server's own time limit", async (_name, chunk) => {
  const limits = { requestTimeout: 200, headersTimeout: 200, connectionsCheckingInterval: 50 };
  const chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
  const { line, received, failed } = await sendHead(head("POST /late", chunked), { limits });
  line.write(chunk);
  expect(await within(failed, 5_000, "failure")).toMatch(/aborted/);
  expect(await within(received, 5_000, "end of the line")).toMatch(/^HTTP\/1\.1 40[08] /);
});

test("a request is answered before its body has come", async () => {
  const { line } = await sendHead(head("POST /unread", JSON_BODY));
  const [answer] = await within(once(line, "data"), 5_000, "answer");
  expect(answerIn(answer)).toMatchObject({ status: 403, body: "no" });
});

test("a body is waited for as the server's expectations say", async () => {
  const { server, port, line } = await sendHead(head("POST /late", JSON_BODY));
  server.on("checkContinue", (_req, res) => void res.writeHead(413).end());
  line.destroy();
  const expecting = (what: string) => head("POST /late", `${JSON_BODY}Expect: ${what}\r\n`);
  const until = { until: "\r\n\r\n" };
  expect(statuses(await rawRequest(port, expecting("100-continue"), until))).toEqual([413]);
  expect(statuses(await rawRequest(port, expecting("patience"), until))).toEqual([417]);
});

test("a request without a host, whose body comes later, is refused", async () => {
  const { received } = await sendHead(head("POST /without-host", JSON_BODY, ""));
  expect(statuses(await within(received, 5_000, "answer"))).toEqual([400]);
});

// Once they waited for ever: the second reader of the line knew nothing of the answers that the first one still owed.
test.each([
  ["whose body is there", BODY],
  ["whose body comes later", ""],
])("requests behind slow ones are answered in order, also one %s", async (_name, there) => {
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const served = await serve({
    routes: (app) => {
      app.get("/slow/:name", async (req, res) => {
        arrive();
        for (let round = 0; round < 20; round++) await new Promise(setImmediate);
        res.json({ slow: req.params.name });
      });
      app.post(
        "/echo",
        express.json(),
        (req, res) => void res.json({ echo: req.body, name: data(req).name }),
      );
    },
  });
  const line = await rawSocket(served.port);
  afterThisTest(() => line.destroy());
  let received = "";
  line.setEncoding("latin1").on("data", (part) => {
    received += part;
  });
  const slow = (name: string) => `GET /slow/${name} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const end = "Content-Type: application/json\r\nContent-Length: 7\r\n";
  line.write(slow("a") + slow("b") + head("GET /slow/c") + head("POST /echo", end) + there);
  await within(arrived, 5_000, "request");
  line.write(there ? `GET /slow/d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n` : BODY);
  await within(
    new Promise<void>((resolve) => {
      line.on("data", () => received.includes(there ? '"d"' : "echo") && resolve());
    }),
    5_000,
    "answers",
  );
  const answers = ['{"slow":"a"}', '{"slow":"b"}', '{"slow":"c"}', '{"echo":{"a":1}}'];
  expect(received.match(/^\{.*\}/gm)).toEqual(there ? [...answers, '{"slow":"d"}'] : answers);
});

test("a client that leaves behind a slow request harms nobody", async () => {
  const served = await serve({
    routes: (app) => {
      app.get("/slow", async (_req, res) => {
        for (let round = 0; round < 20; round++) await new Promise(setImmediate);
        res.send("slow");
      });
    },
  });
  for (let at = 0; at < 60; at++) {
    const line = await rawSocket(served.port);
    const there = at % 2 ? BODY : "";
    line.write(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${head("POST /session", JSON_BODY)}${there}`);
    for (let round = 0; round < at; round++) await new Promise(setImmediate);
    line.resetAndDestroy();
  }
  const ws = await (await signIn(served)).webSocket("/ws");
  expect(await ask(ws, "get")).toEqual({ name: "Ada" });
  expect(served.errors).toEqual([]);
});
