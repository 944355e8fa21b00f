import { closed, messages } from "../support/browser.ts";
import { backends } from "./example-process.ts";
import { request, runExample } from "./visitors.ts";

const OTHER_USER = { code: 4510, reason: "other_user" };
const LOBBY = { room: "lobby" };

describe.each(backends)(
  "a page whose user differs from the session's user, in the example on $name",
  ({ env }) => {
    const visitor = runExample(env);

    // Once, a page that came back with another user's cookie sent its messages as that user.
    test.each(["grace", "", "ADA", "grace&user=ada", "ada&user=grace", "__proto__"])(
      "is closed with 4510, and none of its messages are handled: ?user=%s",
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

    test("is accepted if it names the session's user or no user", async () => {
      const browser = visitor();
      await browser.signIn("ada");
      for (const path of ["/ws?user=ada", "/ws?user=%61da", "/ws"]) {
        const ws = await browser.webSocket(path);
        expect(await request(ws, "room.join", LOBBY)).toMatchObject({ status: "success" });
        expect(messages(ws)).toBeDefined();
        ws.close();
      }
    });
  },
);
