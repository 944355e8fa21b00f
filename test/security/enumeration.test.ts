import { unsignValue } from "../../lib/middleware/cookies/signed-value.ts";
import { redisBackend } from "../../lib/redis.ts";
import { ask, places, refused, type Served, serve, sidOf, signIn } from "../realtime/support.ts";
import type { Browser } from "../support/browser.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { aroundCalls, type RedisClient, uniquePrefix } from "../support/redis-client.ts";
import { closedAfterThisTest, secret, sharedRedis } from "../users/support.ts";
import { handshake } from "../websocket/raw-handshake.ts";
import { signed } from "../websocket/support.ts";

const unknown = "u".repeat(32);

/** An answer without the parts that always differ: dates, handshake keys, ids of sessions and guests. */
async function answerTo(served: Served, cookie: string, isHandshake: boolean): Promise<string> {
  const bytes = isHandshake
    ? handshake("/ws", { Cookie: cookie, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" })
    : `GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`;
  const answer = await rawRequest(served.port, bytes, isHandshake ? { until: "\r\n\r\n" } : {});
  return answer.replace(/^Date: .*$/m, "Date").replace(/guest\.[\w-]{22}/, "guest");
}

describe.each(places)("a client without the secret, on $place", ({ open }) => {
  let served: Served;
  let user: Browser;

  beforeEach(async () => {
    served = await serve({ backend: await open() });
    user = await signIn(served, "ada");
  });

  test("gets the same bytes for the id of a live, an ended and an unknown session", async () => {
    const ended = await signIn(served, "bob");
    const gone = sidOf(ended);
    await ended.post("/logout");
    for (const isHandshake of [false, true]) {
      const answers = await Promise.all(
        [sidOf(user), gone, unknown].flatMap((sid) =>
          [sid, `s%3A${sid}`, `s%3A${sid}.`, signed(sid, "guess"), `s%3A${sid}.${"A".repeat(43)}`].map(
            (value) => answerTo(served, `connect.sid=${value}`, isHandshake),
          ),
        ),
      );
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toMatch(isHandshake ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 200 /);
    }
  });

  test("learns of no group, user or session from the answers of a connection", async () => {
    await served.chat.join("ada", "hers");
    const ws = await served.browser().webSocket("/ws");
    const types = [
      "hers",
      "ada",
      sidOf(user),
      "session.presence",
      "connect",
      "online",
      "error",
      "session.end",
    ];
    for (const type of types) expect(await ask(ws, type)).toEqual(refused("unknown_event"));
  });

  test("learns nothing of another guest from an invented guest cookie", async () => {
    const guest = served.browser();
    await guest.webSocket("/ws");
    const [known = ""] = [...guest.cookies.keys()];
    const names = [known, `connect.sid.guest.${"g".repeat(22)}`];
    const answers = await Promise.all(names.map((name) => answerTo(served, `${name}=1`, true)));
    expect(new Set(answers).size).toBe(1);
  });
});

test("causes no Redis command, whether the session is stored or not", async () => {
  const sent: string[] = [];
  const client = aroundCalls(await sharedRedis(), (name, _args, run) => {
    sent.push(name);
    return run();
  }) as RedisClient;
  const backend = closedAfterThisTest(redisBackend({ client, prefix: uniquePrefix("enumeration") }));
  const served = await serve({ backend });
  const user = await signIn(served, "ada");
  await backend.node.join();
  const ofNode = /^(evalSha|pTTL|sMembers)$/;
  for (const sid of [sidOf(user), unknown]) {
    sent.length = 0;
    await answerTo(served, `connect.sid=s%3A${sid}.${"A".repeat(43)}`, false);
    expect(sent.filter((name) => !ofNode.test(name))).toEqual([]);
  }
});

test("a signature with one wrong character at any position is refused", () => {
  const right = decodeURIComponent(signed("id")).slice(2);
  expect(unsignValue(right, [secret])).toBe("id");
  for (let at = "id.".length; at < right.length; at++) {
    const other = right[at] === "A" ? "B" : "A";
    expect(unsignValue(`${right.slice(0, at)}${other}${right.slice(at + 1)}`, [secret])).toBeUndefined();
  }
  for (const length of [0, 1, 42])
    expect(unsignValue(`id.${right.slice(3, 3 + length)}`, [secret])).toBeUndefined();
});

test("ids have 192 bits, and no two are equal or begin alike", async () => {
  const served = await serve();
  const ids = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const browser = served.browser();
      await browser.post("/set", { json: { name: "Ada" } });
      return sidOf(browser);
    }),
  );
  for (const id of ids) expect(Buffer.from(id, "base64url")).toHaveLength(24);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(ids.length);
});
