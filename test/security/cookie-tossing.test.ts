import { rawRequest } from "../support/raw-socket.ts";
import { type Place, places } from "../websocket/places.ts";
import { answerIn, handshake } from "../websocket/raw-handshake.ts";
import { ask, type Served, serve, sidOf, signed, signIn } from "../websocket/support.ts";

/** The user that a request and a handshake with this Cookie header find in the session, or nothing. */
async function foundBy(served: Served, cookie: string): Promise<[http: unknown, ws: unknown]> {
  const bytes = `GET /session HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`;
  const response = answerIn(await rawRequest(served.port, bytes));
  expect(response.status).toBe(200);
  expect(response.headers["set-cookie"]).toBeUndefined();
  const shaken = await rawRequest(served.port, handshake("/ws", { Cookie: cookie }), { until: "\r\n\r\n" });
  expect(answerIn(shaken).status).toBe(101);
  const session = served.opened.at(-1)?.req.session as { name?: string } | undefined;
  return [/"name":"(\w+)"/.exec(response.body)?.[1], session?.name];
}

const nobody = [undefined, undefined];
const both = (name: string) => [name, name];

describe.each(places)("a cookie header that an attacker can influence, on $place", ({ open }) => {
  let place: Place;
  let served: Served;
  let ada: string;
  let eve: string;
  let reads: number;

  beforeEach(async () => {
    place = await open();
    served = await serve({ place });
    const [victim, attacker] = [await signIn(served, { name: "Ada" }), await signIn(served, { name: "Eve" })];
    ada = victim.cookies.get("connect.sid") as string;
    eve = attacker.cookies.get("connect.sid") as string;
    reads = 0;
    place.aroundReads((read) => {
      reads++;
      return read();
    });
  });

  afterEach(() => expect(served.errors).toEqual([]));

  test("opens the first of several cookies with the name, as in express-session, so a tossed first cookie decides", async () => {
    expect(await foundBy(served, `connect.sid=${ada}; connect.sid=${eve}`)).toEqual(both("Ada"));
    expect(await foundBy(served, `connect.sid=${eve}; connect.sid=${ada}`)).toEqual(both("Eve"));
  });

  test("opens nothing and costs no read if the first cookie is invalid", async () => {
    for (const first of ["", "x", "s%3Ax.y", '""', signed("", "guess"), ada.slice(0, -1)])
      expect(await foundBy(served, `connect.sid=${first}; connect.sid=${ada}`)).toEqual(nobody);
    expect(reads).toBe(0);
  });

  test("is read anew for each request: two orders of the cookies open two sessions", async () => {
    const orders = [
      [`connect.sid=${ada}; connect.sid=${eve}`, "Ada"],
      [`connect.sid=${eve}; connect.sid=${ada}`, "Eve"],
    ] as const;
    for (let n = 0; n < 6; n++) {
      const [cookie, name] = orders[n % 2] as (typeof orders)[0];
      expect(await foundBy(served, cookie)).toEqual(both(name));
    }
  });

  test.each([
    "CONNECT.SID",
    "connect.sid.",
    "connect%2Esid",
    "connect.sid\u00a0",
    "\u00a0connect.sid",
    "\u0085connect.sid",
    "\u000bconnect.sid",
    '"connect.sid"',
    "$Version=1; $connect.sid",
    "__Host-connect.sid",
    "connect.sid[]",
    "a,connect.sid",
    "=connect.sid",
    "x connect.sid",
  ])("opens nothing by the name %p, which is a different name", async (name) => {
    const bytes = handshake("/ws", { Cookie: `${name}=${ada}` });
    const { status } = answerIn(await rawRequest(served.port, bytes, { until: "\r\n\r\n" }));
    // Node refuses control characters itself.
    if (status === 400) return;
    expect(status).toBe(101);
    expect(served.opened.at(-1)?.req.session).not.toHaveProperty("name");
    expect(reads).toBe(0);
  });

  test("opens nothing by another spelling of a signature's bytes", async () => {
    const plain = decodeURIComponent(ada);
    const [id, signature] = [plain.slice(2, plain.lastIndexOf(".")), plain.slice(plain.lastIndexOf(".") + 1)];
    const others = [
      `s:${id}.${signature}=`,
      `s:${id}.${signature.replaceAll("+", "-").replaceAll("/", "_")}.`,
      `s:${id}.${signature} `,
      `s:${id}.${signature.toLowerCase()}`,
      `s:${id}..${signature}`,
      `s:${id}.${signature}.${signature}`,
      `S:${id}.${signature}`,
      `s:s:${id}.${signature}`,
      ` s:${id}.${signature}`,
      `s:${id}\u0000.${signature}`,
      `j:"${plain}"`,
      `j:["${plain}"]`,
      `s:j:"${id}".${signature}`,
      encodeURIComponent(ada),
    ];
    for (const other of others)
      expect(await foundBy(served, `connect.sid=${encodeURIComponent(other)}`)).toEqual(nobody);
    expect(reads).toBe(0);
  });

  test("opens the session of a quoted or encoded cookie too", async () => {
    const plain = decodeURIComponent(ada);
    const all = Array.from(plain, (each) => `%${each.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
    for (const value of [ada, `"${ada}"`, plain, `"${plain}"`, all])
      expect(await foundBy(served, `connect.sid=${value}`)).toEqual(both("Ada"));
  });

  test("opens nothing by names that every object inherits", async () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype)) {
      expect(await foundBy(served, `${name}=${ada}; ${name}[connect.sid]=${ada}`)).toEqual(nobody);
      expect(await foundBy(served, `${name}=x; connect.sid=${ada}; ${name}=y`)).toEqual(both("Ada"));
    }
    expect(Object.keys({})).toEqual([]);
  });

  test("may have thousands of cookies; above Node's limit it is refused, and the next request is served", async () => {
    const many = Array.from({ length: 1_500 }, (_, n) => `a${n}=b`).join("; ");
    expect(await foundBy(served, `${many}; connect.sid=${ada}`)).toEqual(both("Ada"));
    const guests = Array.from(
      { length: 200 },
      (_, n) => `connect.sid.guest.${String(n).padStart(22, "g")}=1`,
    );
    expect(await foundBy(served, `${guests.join("; ")}; connect.sid=${ada}`)).toEqual(both("Ada"));
    for (const target of ["/session", "/ws"]) {
      const bytes = handshake(target, { Cookie: `connect.sid=${"s".repeat(20_000)}` });
      expect(answerIn(await rawRequest(served.port, bytes)).status).toBe(431);
    }
    expect(await foundBy(served, `connect.sid=${ada}`)).toEqual(both("Ada"));
  });

  test("may come as two Cookie headers: the cookie of the first counts", async () => {
    const bytes = handshake("/ws", { Cookie: `connect.sid=${ada}`, COOKIE: `connect.sid=${eve}` });
    await rawRequest(served.port, bytes, { until: "\r\n\r\n" });
    expect(served.opened.at(-1)?.req.session).toMatchObject({ name: "Ada" });
  });

  test("never merges the attacker's session with the victim's: a save goes into the session of the cookie", async () => {
    const victim = served.browser();
    const cookie = `connect.sid=${eve}; connect.sid=${ada}`;
    await victim.post("/session", { headers: { cookie }, json: { card: "the victim's" } });
    expect(await foundBy(served, `connect.sid=${ada}`)).toEqual(both("Ada"));
    const ws = await victim.webSocket("/ws", { headers: { cookie: `connect.sid=${ada}` } });
    expect(await ask(ws, "get")).toEqual({ name: "Ada" });
  });
});

// A page of a sibling domain cannot set a cookie of such a name: browsers accept it only from the host itself.
test("opens nothing by a tossed cookie of the plain or a similar name if the name has __Host-", async () => {
  const served = await serve({
    session: { name: "__Host-sid", proxy: true },
    webSocket: (app) => ({ path: "/ws", app: app.set("trust proxy", 1) }),
  });
  const browser = served.browser();
  const headers = { "X-Forwarded-Proto": "https" };
  const { setCookies } = await browser.post("/session", { headers, json: { name: "Eve" } });
  expect(setCookies).toEqual([
    expect.stringMatching(/^__Host-sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
  ]);
  const value = browser.cookies.get("__Host-sid") as string;
  expect(await foundBy(served, `__Host-sid=${value}`)).toEqual(both("Eve"));
  for (const name of [
    "connect.sid",
    "sid",
    "__host-sid",
    "__Secure-sid",
    "__Host-sid ;x",
    "\u00a0__Host-sid",
  ])
    expect(await foundBy(served, `${name}=${value}`)).toEqual(nobody);
  expect(sidOf(browser, "__Host-sid")).toMatch(/^[\w-]{32}$/);
});
