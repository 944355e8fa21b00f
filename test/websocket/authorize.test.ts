import { ServerResponse } from "node:http";
import type { Request, Response } from "express";
import { UpgradeRefusedError } from "../support/browser.ts";
import { rawRequest } from "../support/raw-socket.ts";
import { answerIn, handshake } from "./raw-handshake.ts";
import { ask, data, type Served, serve, signIn, versions } from "./support.ts";

type Authorize = (req: Request, res: Response) => unknown;

/** The answer to a handshake without cookies. */
async function refusalBy(served: Served): Promise<UpgradeRefusedError> {
  const outcome = await served
    .browser()
    .webSocket("/ws")
    .catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(UpgradeRefusedError);
  expect(served.opened).toEqual([]);
  return outcome as UpgradeRefusedError;
}

function teapot(): Error {
  return Object.assign(new Error("short and stout"), { status: 418, headers: { "X-Tea": "Assam" } });
}

describe.each(versions)("authorize on $version", ({ createApp }) => {
  const servedWith = (authorize: Authorize): Promise<Served> =>
    serve({ createApp, webSocket: (app) => ({ path: "/ws", app, authorize, handshakeTimeoutMs: 300 }) });

  test.each([true, 1, "yes", {}, Promise.resolve("later")])("%p accepts the handshake", async (answer) => {
    const served = await servedWith(() => answer);
    expect(await ask(await served.browser().webSocket("/ws"), "get")).toEqual({});
  });

  test.each([false, undefined, null, 0, "", Promise.resolve(undefined)])(
    "%p refuses with 403",
    async (answer) => {
      const served = await servedWith(() => answer);
      expect(await refusalBy(served)).toMatchObject({ statusCode: 403, body: "Not authorized" });
      expect(served.errors).toEqual([]);
    },
  );

  test("receives the session of the cookie", async () => {
    const served = await servedWith((req) => data(req).name === "Ada");
    const browser = await signIn(served, { name: "Ada" });
    expect(await ask(await browser.webSocket("/ws"), "get")).toEqual({ name: "Ada" });
    await expect(served.browser().webSocket("/ws")).rejects.toMatchObject({ statusCode: 403 });
  });

  test("receives both req and res, whatever parameters it names, and req.res is the same response", async () => {
    const refuse = (res: unknown) => void (res as Response).status(402).set("X-Price", "1");
    const ways: Authorize[] = [
      (_req, res) => refuse(res),
      (...args) => refuse(args[1]),
      (_req, ...rest) => refuse(rest[0]),
      (_req, res = {} as Response) => refuse(res),
      function (_req) {
        // biome-ignore lint/complexity/noArguments: it is what is tried
        refuse(arguments[1]);
      },
      (req) => refuse(req.res),
    ];
    for (const [at, authorize] of ways.entries()) {
      const { statusCode, headers } = await refusalBy(await servedWith(authorize));
      expect([at, statusCode, headers["x-price"]]).toEqual([at, 402, "1"]);
    }
  });

  test("receives a res that behaves like any response", async () => {
    const found: unknown[] = [];
    const served = await servedWith((req, res) => {
      found.push(
        res instanceof ServerResponse,
        "json" in res,
        res.statusCode,
        res.headersSent,
        res.req === req,
      );
      res.locals.seen = true;
      Object.assign(res, { own: 1 });
      found.push(req.res?.locals.seen, (req.res as unknown as { own: number }).own);
      delete (res as unknown as { own?: number }).own;
      found.push("own" in res);
      res.cookie("price", "1");
      return true;
    });
    const browser = served.browser();
    await browser.webSocket("/ws");
    expect(found).toEqual([true, true, 200, false, true, true, 1, false]);
    expect(browser.cookies.get("price")).toBe("1");
  });

  test("with req alone can refuse through req.res", async () => {
    const refusing = await servedWith((req) => {
      req.res?.status(402).set("X-Price", "1");
    });
    const { statusCode, headers } = await refusalBy(refusing);
    expect([statusCode, headers["x-price"]]).toEqual([402, "1"]);
  });

  test("refuses with the status and headers that it has set", async () => {
    const served = await servedWith((_req, res) => {
      res.status(401).set("WWW-Authenticate", 'Basic realm="all"');
      return false;
    });
    const { statusCode, headers } = await refusalBy(served);
    expect({ statusCode, auth: headers["www-authenticate"] }).toEqual({
      statusCode: 401,
      auth: 'Basic realm="all"',
    });
  });

  test.each<[string, Authorize]>([
    ["without returning anything", (_req, res) => void res.status(401).json({ why: "no ticket" })],
    ["and returns it, as an arrow function does", (_req, res) => res.status(401).json({ why: "no ticket" })],
    [
      "and returns true later",
      async (_req, res) => {
        res.status(401).json({ why: "no ticket" });
        return true;
      },
    ],
  ])("refuses with the whole response that it sends %s", async (_how, authorize) => {
    const served = await servedWith(authorize);
    const answer = answerIn(await rawRequest(served.port, handshake()));
    expect(answer).toMatchObject({ status: 401, body: '{"why":"no ticket"}' });
    expect(answer.headers).toMatchObject({
      connection: "close",
      "content-length": "19",
      "content-type": "application/json; charset=utf-8",
    });
    expect(served.opened).toEqual([]);
    expect(served.errors).toEqual([]);
  });

  test.each<[string, Authorize]>([
    [
      "throws",
      () => {
        throw new Error("the database password is hunter2");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the database password is hunter2"))],
  ])("one that %s refuses with 500 without details, and emits an error event", async (_how, authorize) => {
    const served = await servedWith(authorize);
    expect(await refusalBy(served)).toMatchObject({ statusCode: 500, body: "Internal Server Error" });
    expect(served.errors).toMatchObject([{ message: "the database password is hunter2" }]);
  });

  test.each([undefined, null, "text", 7])("one that throws %p refuses with 500", async (thrown) => {
    const served = await servedWith(() => {
      throw thrown;
    });
    expect(await refusalBy(served)).toMatchObject({ statusCode: 500 });
    expect(served.errors).toHaveLength(1);
    expect(served.errors[0]).toBeInstanceOf(Error);
  });

  test("an error's status and headers are used for the refusal, and below 500 no error event is emitted", async () => {
    const served = await servedWith(() => {
      throw teapot();
    });
    const { statusCode, headers } = await refusalBy(served);
    expect({ statusCode, tea: headers["x-tea"] }).toEqual({ statusCode: 418, tea: "Assam" });
    expect(served.errors).toEqual([]);
  });

  test.each([{ status: 200 }, { status: 1000 }, { statusCode: "no" }, { status: 99.5 }])(
    "an error that claims %p refuses with 500",
    async (claim) => {
      const served = await servedWith(() => {
        throw Object.assign(new Error("odd"), claim);
      });
      expect(await refusalBy(served)).toMatchObject({ statusCode: 500 });
    },
  );

  // Once, this was an unhandled rejection, which ends the process.
  test.each([{ headers: null }, { headers: { "X-Reason": "no\r\nway" } }, { headers: { "bad name": "1" } }])(
    "an error with headers that cannot be sent, %p, still refuses",
    async (headers) => {
      const served = await servedWith(() => {
        throw Object.assign(new Error("odd"), { status: 500 }, headers);
      });
      expect(await refusalBy(served)).toMatchObject({ statusCode: 500 });
    },
  );

  test("one that never answers refuses with 503 after handshakeTimeoutMs", async () => {
    const served = await servedWith(() => new Promise(() => {}));
    const { statusCode, headers } = await refusalBy(served);
    expect({ statusCode, retry: headers["retry-after"] }).toEqual({ statusCode: 503, retry: "1" });
    // The refused handshake is not accepted afterwards.
    expect(await ask(await (await servedWith(() => true)).browser().webSocket("/ws"), "get")).toEqual({});
  });

  test("one that answers after its time accepts nobody, and its late error ends nothing", async () => {
    let finish: (error: Error) => void = () => {};
    const late = new Promise((_resolve, reject) => {
      finish = reject;
    });
    const served = await servedWith(() => late);
    expect(await refusalBy(served)).toMatchObject({ statusCode: 503 });
    finish(new Error("too late"));
    await expect(late).rejects.toThrow("too late");
    expect((await served.browser().get("/session")).status).toBe(200);
  });
});
