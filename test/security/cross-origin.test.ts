import type { Express } from "express";
import { rawRequest } from "../support/raw-socket.ts";
import { answerIn, cookieOf, handshake } from "../websocket/raw-handshake.ts";
import { type Served, serve, signIn } from "../websocket/support.ts";

type Headers = Record<string, string>;

interface Attack {
  origin: string;
  /** @default "app.example" */
  host?: string;
  /** @default "/ws" */
  target?: string;
  /** Further headers. Two names that differ only in case are two lines of one header. */
  headers?: Headers;
}

/** The statuses of a handshake with a user's cookie, for each value of `trust proxy`. */
async function statuses(attack: Attack, trusts: readonly unknown[] = [false, 1]): Promise<number[]> {
  return Promise.all(trusts.map((trust) => statusOf(attack, trust)));
}

async function statusOf({ origin, host, target = "/ws", headers }: Attack, trust: unknown): Promise<number> {
  const served: Served = await serve({
    webSocket: (app: Express) => {
      app.set("trust proxy", trust);
      return { path: "/ws", app };
    },
  });
  const cookie = cookieOf(await signIn(served));
  const sent = { ...cookie, Host: host ?? "app.example", Origin: origin, ...headers };
  const { status } = answerIn(await rawRequest(served.port, handshake(target, sent), { until: "\r\n\r\n" }));
  expect(served.opened).toHaveLength(status === 101 ? 1 : 0);
  expect(served.errors).toEqual([]);
  return status;
}

const refused = [403, 403];

describe("a foreign origin, however it is written", () => {
  test.each<[what: string, origin: string, host?: string]>([
    ["the server's host as a user's name", "http://app.example@evil.example"],
    ["the same with a password and a port", "http://app.example:80@evil.example"],
    // Once, these ten were accepted, because only the host of the URL was compared. No browser sends them.
    ["another's name before the server's host", "http://evil.example@app.example"],
    ["a path behind the server's host", "http://app.example/evil"],
    ["a query behind the server's host", "http://app.example?evil"],
    ["a fragment behind the server's host", "http://app.example#evil"],
    ["backslashes, which URLs take for slashes", "http:\\\\app.example"],
    ["no slashes, which URLs do not miss", "http:app.example"],
    ["three slashes", "http:///app.example"],
    ["a tab, which URLs leave out", "http://app\t.example"],
    ["a percent sign, which URLs decode", "http://app%2eexample"],
    ["a soft hyphen, which IDNA leaves out", "http://app\u00ad.example"],
    ["a trailing dot, which is another origin to a browser", "http://app.example."],
    ["a host that ends as the server's does", "http://evil-app.example"],
    ["a subdomain", "http://evil.app.example"],
    ["a domain above", "http://example"],
    ["the server's host with a suffix", "http://app.example.evil.example"],
    ["another port", "http://app.example:81"],
    ["another scheme's own port", "http://app.example:443"],
    ["letters that look the same, as punycode", "http://xn--pp-7ic.example"],
    ["the same as raw bytes", "http://\u0430pp.example"],
    ["null, of sandboxed frames and files", "null"],
    ["null for a host of that name", "null", "null"],
    ["nothing", ""],
    ["no host", "http://", ""],
    ["a list", "http://app.example, http://evil.example"],
    ["a list of the server's own twice", "http://app.example, http://app.example"],
    ["a list with spaces only", "http://app.example http://evil.example"],
    ["a blob", "blob:http://app.example/1"],
    ["data", "data:text/html,//app.example"],
    ["a file", "file://"],
    ["an extension", "chrome-extension://app"],
    ["an IPv6 address that has the server's inside", "http://[::ffff:127.0.0.1]", "127.0.0.1"],
    ["another IPv6 address", "http://[::2]", "[::1]"],
    ["localhost for an address", "http://localhost", "127.0.0.1"],
    ["an address for localhost", "http://127.0.0.1", "localhost"],
    // A named parameter without a value in the row would be jest's callback.
  ])("%s: %p", async (...[, origin, host = "app.example"]) => {
    expect(await statuses({ origin, host })).toEqual(refused);
  });
});

test.each<[string, string, string]>([
  ["letters of either case", "http://APP.example", "app.EXAMPLE"],
  ["the scheme's own port, on either side", "https://app.example:443", "app.example"],
  ["the same on the other", "https://app.example", "app.example:443"],
  ["an international name", "http://xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["a trailing dot on both sides", "http://app.example.", "app.example."],
  ["an IPv6 address", "http://[::1]:8080", "[::1]:8080"],
  ["the same, in full", "http://[::1]", "[0:0:0:0:0:0:0:1]"],
])("the server's own origin is accepted: %s", async (_, origin, host) => {
  expect(await statuses({ origin, host })).toEqual([101, 101]);
});

test("a Host with a trailing dot differs from the one without", async () => {
  expect(await statuses({ origin: "http://app.example", host: "app.example." })).toEqual(refused);
});

test("a foreign name that resolves to this server is accepted as its own origin, without a user, because it has no cookies", async () => {
  const served = await serve();
  await signIn(served);
  const headers = { Host: "evil.example", Origin: "http://evil.example" };
  const bytes = handshake("/ws", headers);
  expect(answerIn(await rawRequest(served.port, bytes, { until: "\r\n\r\n" })).status).toBe(101);
  expect(served.opened[0]?.req.session).not.toHaveProperty("name");
});

describe("headers that a client sends twice or invents", () => {
  const evil = "http://evil.example";

  test("two Origin headers match no origin, in either order", async () => {
    expect(await statuses({ origin: evil, headers: { ORIGIN: "http://app.example" } })).toEqual(refused);
    expect(await statuses({ origin: "http://app.example", headers: { ORIGIN: evil } })).toEqual(refused);
  });

  test("two Host headers are refused", async () => {
    expect(await statuses({ origin: evil, headers: { HOST: "evil.example" } })).toEqual([400, 400]);
  });

  test("the host of a target in absolute form does not count", async () => {
    expect(await statuses({ origin: evil, target: "http://evil.example/ws" })).toEqual(refused);
    expect(await statuses({ origin: evil, target: "http://evil.example@app.example/ws" })).toEqual(refused);
    expect(await statuses({ origin: "http://app.example", target: "http://evil.example/ws" })).toEqual([
      101, 101,
    ]);
  });

  test("X-Forwarded-Host counts only from a trusted proxy, by its first host", async () => {
    const own = { "X-Forwarded-Host": "app.example, inner.example", "X-Forwarded-Proto": "https" };
    expect(await statuses({ origin: "https://app.example", host: "10.0.0.1", headers: own })).toEqual([
      403, 101,
    ]);
    const foreign = { "X-Forwarded-Host": "evil.example" };
    expect(await statuses({ origin: evil, headers: foreign }, [false, "10.0.0.0/8"])).toEqual(refused);
    const second = { "X-Forwarded-Host": "app.example", "x-forwarded-HOST": "evil.example" };
    expect(await statuses({ origin: evil, headers: second })).toEqual(refused);
  });

  test.each([
    { "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https" },
    { "X-Original-Host": "evil.example", "X-Host": "evil.example", Forwarded: "host=evil.example" },
    { "X-Original-URL": "/ws", "X-HTTP-Host-Override": "evil.example", ":authority": "evil.example" },
  ])("no other header makes an origin the server's own: %p", async (headers) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));
    expect(await statuses({ origin: evil, headers: given })).toEqual(refused);
  });

  test("Sec-WebSocket-Origin, which browsers once sent, does not replace Origin", async () => {
    const headers = { "Sec-WebSocket-Origin": "http://app.example", Referer: "http://app.example/" };
    expect(await statuses({ origin: evil, headers })).toEqual(refused);
  });
});
