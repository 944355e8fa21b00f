import { closed, messages } from "../support/browser.ts";
import { backends } from "./example-process.ts";
import { request, runExample } from "./visitors.ts";

const OTHER_USER = { code: 4510, reason: "other_user" };
const LOBBY = { room: "lobby" };

describe.each(backends)("a page of another user than the session's, in the example on $name", ({ env }) => {
  const visitor = runExample(env);

  // A page that came back with the cookie of another user once sent its messages as that user's.
  test.each(["grace", "", "ADA", "grace&user=ada", "ada&user=grace", "__proto__"])(
    "is closed with 4510, and nothing that it sends is handled: ?user=%s",
    async (user) => {
      const browser = visitor();
      await browser.signIn("ada");
      const own = await browser.openTab();
      await request(own, "room.join", LOBBY);
      const ws = await browser.webSocket(`/ws?user=${user}`);
      ws.send(
        JSON.stringify({
          event_type: "message.send",
          data: { ...LOBBY, text: "Mine", key: user || "k" },
          id: 1,
        }),
      );
      expect(await closed(ws)).toEqual(OTHER_USER);
      const { data } = await request(own, "room.join", LOBBY);
      expect(data).toEqual({ messages: [] });
      own.close();
    },
  );

  test("of the session's user is let in, and so is who does not say", async () => {
    const browser = visitor();
    await browser.signIn("ada");
    for (const path of ["/ws?user=ada", "/ws?user=%61da", "/ws"]) {
      const ws = await browser.webSocket(path);
      expect(await request(ws, "room.join", LOBBY)).toMatchObject({ status: "success" });
      expect(messages(ws)).toBeDefined();
      ws.close();
    }
  });
});
