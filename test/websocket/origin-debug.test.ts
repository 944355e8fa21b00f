import type { Origins } from "../../lib/index.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { captureDebug } from "./capture-debug.ts";
import { answerIn, handshake } from "./raw-handshake.ts";
import { afterThisTest, serve } from "./support.ts";

interface Case {
  origins?: Origins;
  trust?: unknown;
  headers: Record<string, string>;
}

/** The log lines of a handshake that is refused for its origin, and the answer to its client. */
async function refused({
  origins = [],
  trust = false,
  headers,
}: Case): Promise<{ log: string; body: string }> {
  const { lines, stop } = captureDebug("express-session-stack:websocket");
  afterThisTest(stop);
  const served = await serve({
    webSocket: (app) => {
      app.set("trust proxy", trust);
      return { path: "/ws", app, origins };
    },
  });
  const { status, body } = answerIn(await rawRequest(served.port, handshake("/ws?token=secret", headers)));
  expect(status).toBe(403);
  const log = lines.filter((line) => line.includes("refused with 403"));
  expect(log).toHaveLength(1);
  expect(lines.join("")).not.toContain("secret");
  return { log: log.join(""), body };
}

// Once, the log had only "Origin not allowed".
test("the log of a 403 has the origin, the host and its header, and the listed origins", async () => {
  const { log, body } = await refused({
    origins: ["https://app.example.com"],
    headers: { Host: "localhost:3000", Origin: "http://localhost:5173" },
  });
  for (const part of ['"http://localhost:5173"', '"localhost:3000"', "by Host", '"https://app.example.com"'])
    expect(log).toContain(part);
  expect(body).toBe("Origin not allowed");
});

test("behind a proxy that the app trusts, the host is the forwarded one", async () => {
  const headers = {
    Host: "10.0.0.1",
    "X-Forwarded-Host": "a.example, b.example",
    Origin: "https://c.example",
  };
  expect((await refused({ trust: 1, headers })).log).toMatch(/"a\.example", by X-Forwarded-Host/);
  expect((await refused({ headers })).log).toMatch(/"10\.0\.0\.1", by Host, and origins is empty/);
});

test("the log names a function that refuses", async () => {
  const { log } = await refused({ origins: () => false, headers: { Origin: "https://c.example" } });
  expect(log).toMatch(/function "origins" said no to the origin "https:\/\/c\.example"/);
});

test.each<[string, string, string]>([
  ["a query", "https://c.example/?code=secret", '"https://c.example/"'],
  ["a fragment", "https://c.example/#secret", '"https://c.example/"'],
  ["a password", "https://ada:secret@c.example", '"https://c.example"'],
  ["a tab", "https://c.example\t31m", '"https://c.example?31m"'],
  ["a character above ASCII", "https://c.example\u009b31m", '"https://c.example?31m"'],
  ["quotation marks", 'https://"c".example', '"https://\\"c\\".example"'],
  ["null", "null", '"null"'],
])("the log has a safe form of an origin with %s", async (_what, origin, shown) => {
  const { log } = await refused({ headers: { Origin: origin } });
  expect(log).toContain(`the origin ${shown} `);
});

test("a long origin and a long host are shortened in the log", async () => {
  const long = `a${".b".repeat(4_000)}`;
  const { log } = await refused({ headers: { Host: `${long}.c`, Origin: `https://${long}.d` } });
  expect(log.length).toBeLessThan(900);
});
