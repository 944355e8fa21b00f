import { Bounds } from "../../lib/calls/bounds.ts";
import { codeOf, isSessionDeleted } from "../../lib/errors.ts";
import * as here from "../../lib/index.ts";
import { places, secret, serve, sidOf, signIn } from "../users/support.ts";

type Package = typeof here;

/** Another copy of the package, as after a hot reload or of another version. */
function anotherCopy(): Package {
  let copy: Package | undefined;
  jest.isolateModules(() => {
    copy = require("../../lib/index.ts") as Package;
  });
  return copy as Package;
}

const stackOf = ({ cookieMiddleware, sessionMiddleware, sessionMiddlewareStack }: Package) =>
  sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret }));

describe("two copies of the package in one process", () => {
  let there: Package;

  beforeAll(() => {
    there = anotherCopy();
    expect(there.webSocketSessions).not.toBe(here.webSocketSessions);
  });

  test.each<[string, () => unknown]>([
    ["webSocketSessions", () => here.webSocketSessions(stackOf(there))],
    ["userSessions", () => here.userSessions(stackOf(there))],
    ["attach", () => here.webSocketSessions(stackOf(here)).attach(there.realtime() as never)],
    ["sessionMiddlewareStack", () => here.sessionMiddlewareStack(there.sessionMiddleware({ secret }))],
  ])("%s refuses an object of another copy by name", (name, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`${name}.*another copy of express-session-stack`));
  });

  test("each recognises errors of the other by their codes", async () => {
    const error = new there.SessionStackError("ERR_SESSION_DELETED", "gone");
    expect(error).not.toBeInstanceOf(here.SessionStackError);
    expect(isSessionDeleted(error)).toBe(true);
    await expect(new Bounds(1_000).call(() => Promise.reject(error))).rejects.toBe(error);
    for (const other of [
      undefined,
      null,
      "ERR_SESSION_DELETED",
      { code: "ERR_SESSION_DELETED" },
      new Error(),
    ])
      expect(codeOf(other)).toBeUndefined();
  });

  describe.each(places)("on $place", ({ open }) => {
    test("share a backend: each finds the sessions of the other, and closes connections when the other ends one", async () => {
      const backend = await open();
      const served = await serve({ backend });
      const user = await signIn(served, "ada");
      const ws = await user.webSocket("/ws");
      const { cookieMiddleware, sessionMiddleware, sessionMiddlewareStack, userSessions } = there;
      const users = userSessions(
        sessionMiddlewareStack(cookieMiddleware(), sessionMiddleware({ secret, backend })),
      );
      expect((await users.listUserSessions("ada")).map(({ sid }) => sid)).toEqual([sidOf(user)]);
      const closed = new Promise((resolve) => ws.once("close", resolve));
      expect(await users.deleteUserSessions("ada")).toMatchObject({ sessionsDeleted: 1 });
      expect(await closed).toBe(4501);
      expect(await served.users.listUserSessions("ada")).toEqual([]);
    });
  });
});
