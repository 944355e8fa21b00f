import type { Connection } from "../../lib/index.ts";
import { closed, messages } from "../support/browser.ts";
import { byOwner } from "../users/support.ts";
import { connect, data, next, open, refused, type Served, send, serve } from "./support.ts";

const ended = { code: 4501, reason: "session_ended" };
const replaced = { code: 4009, reason: "session_replaced" };

test("an answer that is due when the session ends is not sent", async () => {
  const served = await serve({
    setUp: (chat) =>
      chat.on("leave", async (connection) => {
        connection.send("secret");
        await connection.req.session.destroy();
        return "secret";
      }),
  });
  const { ws } = await connect(served, "ada");
  send(ws, "unknown", {}, 1);
  expect(await next(ws)).toMatchObject(refused("unknown_event"));
  send(ws, "leave", {}, 2);
  expect(await closed(ws)).toEqual(ended);
  expect(messages(ws).all.join()).not.toContain('"id":2');
});

test.each<[string, (served: Served, line: Connection) => Promise<unknown>, object]>([
  ["deleteUserSessions", ({ users }) => users.deleteUserSessions("ada"), ended],
  [
    "a save by which it is another user's",
    (_, { req }) => {
      data(req).owner = "grace";
      return req.session.save();
    },
    replaced,
  ],
])("a message that is due when %s ends the session is not sent", async (_how, end, as) => {
  const served = await serve({ session: { userId: byOwner } });
  const browser = served.browser();
  await browser.post("/set", { json: { owner: "ada" } });
  const { ws, line } = await open(served, browser);
  const { socket } = line.req;
  let written: number | undefined;
  const ending = end(served, line).then(() => {
    written = socket.bytesWritten;
  });
  // Everything runs in one turn of the event loop, as on memory.
  for (let at = 0; at < 10_000 && written === undefined; at++) {
    line.send("news", { at });
    await null;
  }
  await ending;
  expect(await closed(ws)).toEqual(as);
  expect(socket.bytesWritten - Number(written)).toBeLessThanOrEqual("\x88\0\0\0session_replaced".length);
});
