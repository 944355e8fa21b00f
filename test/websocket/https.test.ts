import { once } from "node:events";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import type { WebSocket } from "ws";
import { Browser, closed } from "../support/browser.ts";
import { type Certificate, certificate } from "../support/certificate.ts";
import { keepCookies } from "../support/cookie-jar.ts";
import { openWebSocket } from "../support/open-web-socket.ts";
import { afterThisTest, ask, data, type Served, serve, sidOf } from "./support.ts";

let tls: Certificate;

beforeAll(() => {
  tls = certificate();
});

/** The same app on a TLS server. */
async function overTls(served: Served): Promise<string> {
  const server = createServer(tls, served.app);
  server.on("upgrade", served.wsSessions.handleUpgrade);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterThisTest(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Signs in over TLS, and returns the Set-Cookie lines. */
async function signInAt(host: string): Promise<string[]> {
  const body = JSON.stringify({ name: "Ada" });
  const headers = { "content-type": "application/json", "content-length": body.length };
  const sent = request(`https://${host}/session`, { method: "POST", ca: tls.cert, headers, agent: false });
  const answered = once(sent, "response");
  sent.end(body);
  const [response] = await answered;
  response.resume();
  return response.headers["set-cookie"] ?? [];
}

async function webSocketAt(host: string, cookie?: string): Promise<{ ws: WebSocket; setCookies: string[] }> {
  let setCookies: string[] = [];
  const ws = await openWebSocket(`wss://${host}/ws`, {
    ca: tls.cert,
    origin: `https://${host}`,
    headers: cookie ? { cookie } : {},
    onHeaders: (headers) => {
      setCookies = headers["set-cookie"] ?? [];
    },
  });
  afterThisTest(() => ws.terminate());
  return { ws, setCookies };
}

test("connections of an https server share the session of its requests, with a secure cookie", async () => {
  const served = await serve({ session: { cookie: { secure: true } } });
  const host = await overTls(served);
  const [line = ""] = await signInAt(host);
  expect(line).toContain("; Secure");
  const { ws } = await webSocketAt(host, line.split(";")[0]);
  expect(await ask(ws, "get")).toEqual({ name: "Ada" });
  expect(served.opened[0]?.req).toMatchObject({ secure: true, protocol: "https" });

  const visitor = new Browser(served.url);
  keepCookies(visitor.cookies, [line]);
  await served.browser().post(`/destroy/${sidOf(visitor)}`);
  expect(await closed(ws)).toEqual({ code: 4501, reason: "session_ended" });
});

test.each([{ secure: "auto" as const }, { secure: true }])(
  "a session that begins in a handshake over TLS has a secure cookie: %p",
  async (cookie) => {
    const served = await serve({
      session: { cookie },
      webSocket: {
        path: "/ws",
        authorize: async (req) => {
          data(req).name = "Ada";
          await req.session.save();
          return true;
        },
      },
    });
    const host = await overTls(served);
    const { setCookies } = await webSocketAt(host);
    expect(setCookies).toEqual([expect.stringMatching(/^connect\.sid=.*; HttpOnly; Secure; SameSite=Lax$/)]);
  },
);

test("a refusal over TLS is complete, also for other paths and foreign origins", async () => {
  const served = await serve();
  const host = await overTls(served);
  const at = (path: string, origin: string) =>
    openWebSocket(`wss://${host}${path}`, { ca: tls.cert, origin });
  await expect(at("/elsewhere", `https://${host}`)).rejects.toMatchObject({ statusCode: 404 });
  await expect(at("/ws", "https://evil.example")).rejects.toMatchObject({
    statusCode: 403,
    body: "Origin not allowed",
  });
});

test("a request for another protocol is left to the server over TLS too", async () => {
  const served = await serve();
  const [, port] = (await overTls(served)).split(":");
  const line = connect({ port: Number(port), host: "127.0.0.1", ca: tls.cert });
  afterThisTest(() => line.destroy());
  const head = "POST /session HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n";
  line.write(`${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":"b"}`);
  const answer = await text(line);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toContain('"a":"b"');
});

test("so is one whose body waits for 100 Continue", async () => {
  const served = await serve();
  const [, port] = (await overTls(served)).split(":");
  const line = connect({ port: Number(port), host: "127.0.0.1", ca: tls.cert });
  afterThisTest(() => line.destroy());
  const head = "POST /session HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n";
  line.write(`${head}Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n`);
  const [interim] = await once(line, "data");
  expect(String(interim)).toMatch(/^HTTP\/1\.1 100 /);
  line.write('{"a":"b"}');
  expect(await text(line)).toContain('"a":"b"');
});
