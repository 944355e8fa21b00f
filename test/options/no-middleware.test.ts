import type { ErrorRequestHandler, RequestHandler } from "express";
import {
  memoryBackend,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserRequest,
  userSessions,
} from "../../lib/index.ts";
import { browse, versions } from "../middleware/support.ts";

const backend = memoryBackend();
const sessionStack = sessionMiddlewareStack(sessionMiddleware({ secret: "s", backend }));
const users = userSessions(sessionStack);

afterAll(() => backend.close());

const names = ["logIn", "logOut", "listUserSessions", "deleteUserSessions", "deleteUserSession"] as const;

// Once, such a request was never answered.
describe.each(versions)(
  "a function of userSessions that is used as a middleware, on $version",
  ({ createApp }) => {
    test.each(names)("%s is an error of the request, and does nothing", async (name) => {
      const app = createApp();
      app.use(sessionStack());
      app.post("/login", (req, res, next) => {
        users.logIn(req, "ada").then(() => res.end(), next);
      });
      app.post("/it", users[name] as unknown as RequestHandler);
      app.get("/me", (req, res) => void res.json(req.session.login?.userId ?? null));
      app.use(((error, _req, res, _next) => void res.status(500).end(error.message)) as ErrorRequestHandler);
      const browser = await browse(app);
      await browser.post("/login");
      const { status, body } = await browser.post("/it");
      expect([status, body]).toEqual([
        500,
        expect.stringContaining(`${name}: it is no middleware; call it in one`),
      ]);
      expect((await browser.get("/me")).json()).toBe("ada");
    });
  },
);

// Once, the options were taken as the request, and the other mistakes gave no error or an unhelpful one.
test.each<[what: string, call: () => Promise<unknown>, said: string]>([
  [
    "options in place of the request",
    () => users.listUserSessions("ada", { limit: 5 } as never),
    "second argument",
  ],
  ["a text in place of the request", () => users.listUserSessions("ada", "x" as never), "not a string"],
  ["null in place of the request", () => users.listUserSessions("ada", null as never), "not null"],
  [
    "no id of a session",
    () => users.deleteUserSession("ada", undefined as never),
    "must be text, not undefined",
  ],
  ["a number as the id of a session", () => users.deleteUserSession("ada", 5 as never), "not 5"],
  ["no request to log in", () => users.logIn(undefined as never, "ada"), "logIn: the first argument must be"],
  ["no request to log out", () => users.logOut(undefined as never), "logOut: the first argument must be"],
  ["a user to log out", () => users.logOut("ada" as never), "not a string"],
])("%s is a TypeError that names the mistake", async (_what, call, said) => {
  await expect(call()).rejects.toThrow(TypeError);
  await expect(call()).rejects.toThrow(said);
});

test("an object with the id of a session is accepted as a request", async () => {
  expect(await users.listUserSessions("nobody", { sessionID: "a" } as UserRequest)).toEqual([]);
});
