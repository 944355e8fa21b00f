import type { Origins } from "../../lib/index.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { answerIn, cookieOf, handshake } from "./raw-handshake.ts";
import { type Served, serve, signIn } from "./support.ts";

/** The status of the answer to a handshake with these headers. */
async function statusOf(served: Served, headers: Record<string, string | undefined>): Promise<number> {
  return answerIn(await rawRequest(served.port, handshake("/ws", headers), { until: "\r\n\r\n" })).status;
}

const withOrigins = (origins: Origins, trust: unknown = false): Promise<Served> =>
  serve({
    webSocket: (app) => {
      app.set("trust proxy", trust);
      return { path: "/ws", app, origins };
    },
  });

test("the server's own origin may connect, also with https, because a proxy may end TLS", async () => {
  const served = await serve();
  const host = `127.0.0.1:${served.port}`;
  expect(await statusOf(served, { Host: host, Origin: `http://${host}` })).toBe(101);
  expect(await statusOf(served, { Host: host, Origin: `https://${host}` })).toBe(101);
  expect(await statusOf(served, { Host: "app.example", Origin: "https://APP.example:443" })).toBe(101);
  expect(await statusOf(served, { Host: "app.example:443", Origin: "https://app.example" })).toBe(101);
  expect(await statusOf(served, { Host: "[::1]:8080", Origin: "http://[::1]:8080" })).toBe(101);
});

// Once, the scheme did not count: an attacker on the line could forge a page that used a user's cookie.
test("a page over HTTP may not connect to its own host over a secure connection", async () => {
  const statusBy = async (origin: string, proto: string, trust: unknown = 1) =>
    statusOf(await withOrigins([], trust), {
      Host: "app.example",
      Origin: origin,
      "X-Forwarded-Proto": proto,
    });
  expect(await statusBy("http://app.example", "https")).toBe(403);
  expect(await statusBy("http://app.example:80", "https")).toBe(403);
  expect(await statusBy("https://app.example", "https")).toBe(101);
  expect(await statusBy("http://app.example", "http")).toBe(101);
  // Headers of untrusted proxies do not count.
  expect(await statusBy("http://app.example", "https", false)).toBe(101);
  const listed = await withOrigins(["http://app.example"], 1);
  const headers = { Host: "app.example", Origin: "http://app.example", "X-Forwarded-Proto": "https" };
  expect(await statusOf(listed, headers)).toBe(101);
});

test("a client without an Origin header may connect, because it is not a browser", async () => {
  expect(await statusOf(await serve(), {})).toBe(101);
});

test.each([
  "http://evil.example",
  "http://app.example.evil.example",
  "http://evil.example/app.example",
  "http://app.example@evil.example",
  "http://evil-app.example",
  "http://sub.app.example",
  "http://app.example:81",
  "null",
  "",
  "app.example",
  "file://",
  "data:text/html,app.example",
  "http://app.example, http://evil.example",
])("the origin %p is refused with 403 for the host app.example", async (origin) => {
  const served = await serve();
  const browser = await signIn(served);
  expect(await statusOf(served, { ...cookieOf(browser), Host: "app.example", Origin: origin })).toBe(403);
  expect(served.opened).toEqual([]);
  expect(served.errors).toEqual([]);
});

test("a foreign origin is refused before the store and authorize are called", async () => {
  let asked = 0;
  const served = await serve({ webSocket: { path: "/ws", authorize: () => ++asked } });
  expect(await statusOf(served, { Origin: "http://evil.example" })).toBe(403);
  expect(asked).toBe(0);
});

test("listed origins may connect beside the server's own, if they match exactly", async () => {
  const served = await withOrigins(["https://app.example.com", "https://beta.example.com:8443"]);
  expect(await statusOf(served, { Origin: "https://app.example.com" })).toBe(101);
  expect(await statusOf(served, { Origin: "https://beta.example.com:8443" })).toBe(101);
  expect(await statusOf(served, { Host: "own.example", Origin: "http://own.example" })).toBe(101);
  expect(await statusOf(served, { Origin: "http://app.example.com" })).toBe(403);
  expect(await statusOf(served, { Origin: "https://beta.example.com" })).toBe(403);
  expect(await statusOf(served, { Origin: "https://app.example.com.evil.example" })).toBe(403);
});

test("a function alone decides, with the origin and the request", async () => {
  const served = await withOrigins(
    (origin, req) => origin.endsWith(".example.com") && req.get("X-Ok") === "1",
  );
  expect(await statusOf(served, { Origin: "https://a.example.com", "X-Ok": "1" })).toBe(101);
  expect(await statusOf(served, { Origin: "https://a.example.com" })).toBe(403);
  expect(await statusOf(served, { Host: "own.example", Origin: "http://own.example", "X-Ok": "1" })).toBe(
    403,
  );
  expect(await statusOf(served, {})).toBe(101);
});

test("a function that throws refuses with 500 and emits an error event", async () => {
  const served = await withOrigins(() => {
    throw new Error("no list");
  });
  expect(await statusOf(served, { Origin: "https://a.example.com" })).toBe(500);
  expect(served.errors).toMatchObject([{ message: "no list" }]);
});

test.each<[string, () => unknown]>([
  ["promises a yes", async () => true],
  ["promises a no", async () => false],
  ["promises, and fails", () => Promise.reject(new Error("no list"))],
  ["answers where in a list it is", () => ["https://a.example"].indexOf("https://evil.example")],
  ["answers with a text", () => "https://evil.example"],
  ["answers nothing", () => undefined],
])("a function that %s, which is no clear answer, refuses with 500", async (_, origins) => {
  const served = await withOrigins(origins as never);
  expect(await statusOf(served, { Origin: "https://evil.example" })).toBe(500);
  expect(served.errors).toMatchObject([{ message: expect.stringContaining('option "origins"') }]);
});

test("X-Forwarded-Host is the host only if the app trusts the proxy", async () => {
  const headers = { Host: "10.0.0.1:3000", "X-Forwarded-Host": "app.example", Origin: "https://app.example" };
  expect(await statusOf(await withOrigins([], 1), headers)).toBe(101);
  expect(await statusOf(await withOrigins([], false), headers)).toBe(403);
  expect(await statusOf(await serve(), headers)).toBe(403);
  const list = { ...headers, "X-Forwarded-Host": "app.example, inner.example" };
  expect(await statusOf(await withOrigins([], 1), list)).toBe(101);
  const foreign = { ...headers, Origin: "https://evil.example" };
  expect(await statusOf(await withOrigins([], 1), foreign)).toBe(403);
});
