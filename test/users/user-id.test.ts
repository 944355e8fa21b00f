import { memoryBackend } from "../../lib/index.ts";
import { closedAfterThisTest, serve } from "./support.ts";

/** The answer of an app that saves a session whose option `userId` returns this. */
async function saved(answer: unknown): Promise<unknown> {
  const served = await serve({
    backend: closedAfterThisTest(memoryBackend()),
    // It returns no user for an empty session, so the save is the first to meet the answer.
    session: { userId: (session) => ("cart" in session ? answer : undefined) as string },
    routes: (app) => {
      app.post("/save", async (req, res) => {
        Object.assign(req.session, { cart: 1 });
        await req.session.save();
        res.json({ userId: req.session.login?.userId });
      });
    },
  });
  return JSON.parse((await served.browser().post("/save")).body);
}

class ObjectId {
  toString(): string {
    return "5f1d";
  }
}

test.each<[unknown, string]>([
  ["ada", "ada"],
  [7, "7"],
  [0, "0"],
  [7n, "7"],
  [new ObjectId(), "5f1d"],
])("%p is the user %p", async (answer, userId) => {
  expect(await saved(answer)).toEqual({ userId });
});

test.each([undefined, null, "", false])("%p means no user", async (answer) => {
  expect(await saved(answer)).toEqual({});
});

// Each would be one and the same user for all who have it.
test.each([{ id: "ada" }, [["ada"]], Object.create(null), true, Number.NaN, Symbol("ada"), () => "ada"])(
  "%p is a TypeError that names the option",
  async (answer) => {
    expect(await saved(answer)).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining('option "userId"'),
    });
  },
);
