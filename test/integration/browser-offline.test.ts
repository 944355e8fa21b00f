import type { ChatPage } from "../example/chat-page.ts";
import { ChatPages } from "../example/chat-pages.ts";
import { PASSWORDS } from "../example/visitors.ts";
import { describeInChromium } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

jest.setTimeout(180_000);

const SIGNED_OUT = "You were signed out. Please sign in again.";

/** Asserts that the message is shown once, as Ada's. */
async function expectOnceByAda(page: ChatPage, text: string): Promise<void> {
  await page.message(text).waitFor();
  expect(await page.message(text).count()).toBe(1);
  expect(await page.message(text).locator(".author").textContent()).toMatch(/^(Ada|You)$/);
  expect(await page.message(text).getAttribute("data-from")).toBe("ada");
}

describeInChromium("the chat in a browser without a connection", (browserTest) => {
  const pages = new ChatPages();
  let line: TcpProxy;

  beforeEach(async () => {
    line = await startTcpProxy(pages.url);
  });
  afterEach(() => line.close());

  const people = (chat: ChatPage) => chat.page.locator("#people li").allTextContents();
  const tabs = (chat: ChatPage) => chat.page.locator("#devices .connections").allTextContents();
  /** The people whose dot is filled. */
  const present = (chat: ChatPage) =>
    chat.page.evaluate<number>(
      `[...document.querySelectorAll("#people .dot")]
        .filter((dot) => getComputedStyle(dot).backgroundColor !== "rgba(0, 0, 0, 0)").length`,
    );

  // Once, the user's own dot stayed green, and the user's own device showed "1 tab open".
  browserTest("shows that it is offline, and that the state of other users is old", async () => {
    await pages.enter("grace");
    await pages.enter("ada");
    const ada = await pages.enter("ada", {}, line.url);
    const online = async () => {
      expect(await people(ada)).toEqual(["Ada (you) here", "Grace here"]);
      expect((await tabs(ada)).sort()).toEqual(["1 tab open", "1 tab open"]);
      expect(await present(ada)).toBe(2);
    };
    await eventually(online);
    await ada.whileDown(async () => {
      line.cut();
      await ada.sees("Offline, trying again");
      await eventually(async () => {
        expect(await people(ada)).toEqual(["Ada (you) offline", "Grace was here"]);
        expect((await tabs(ada)).sort()).toEqual(["1 tab open when last seen", "offline"]);
        expect(await present(ada)).toBe(0);
      });
      expect(await ada.violations()).toEqual([]);
      line.heal();
      await ada.sees("Connected");
    });
    await eventually(online);
  });

  // Once, the message was lost, although the README promised that it is sent.
  browserTest("keeps written messages over a restart on memory, for their user only", async () => {
    const ada = await pages.enter("ada");
    const grace = await pages.enter("grace");
    await ada.whileDown(() =>
      grace.whileDown(() =>
        pages.restart(async () => {
          await ada.sees("Offline, trying again");
          await ada.write("Written while it was down.");
          await ada.page.getByLabel("Message", { exact: true }).fill("Begun while it was do");
          await ada.sees("Waiting for the connection");
        }),
      ),
    );
    for (const page of [ada, grace]) await page.sees(SIGNED_OUT);
    await ada.page.getByText("Messages not sent yet: 1 of Ada.").waitFor();
    expect(await ada.violations()).toEqual([]);

    // Another user on this device neither sends nor sees it.
    await ada.enter("grace");
    await ada.write("By Grace.");
    await ada.message("By Grace.").waitFor();
    expect(await ada.page.getByLabel("Message", { exact: true }).inputValue()).toBe("");
    await ada.button("Sign out").click();
    await ada.sees("You have signed out.");

    await ada.enter("ada");
    await grace.enter("grace");
    for (const page of [ada, grace]) await expectOnceByAda(page, "Written while it was down.");
    expect(await grace.page.locator(".message").allTextContents()).toHaveLength(2);
    await ada.page.reload();
    await expectOnceByAda(ada, "Written while it was down.");
    expect(await ada.page.locator(".message").count()).toBe(2);
  });

  browserTest("keeps written and unfinished messages when the page is reloaded", async () => {
    const ada = await pages.enter("ada");
    await ada.whileDown(() =>
      pages.restart(async () => {
        await ada.write("Kept by the tab.");
        await ada.page.getByLabel("Message", { exact: true }).fill("Begun to wri");
      }),
    );
    await ada.sees(SIGNED_OUT);
    await ada.enter("ada");
    await expectOnceByAda(ada, "Kept by the tab.");
    expect(await ada.page.getByLabel("Message", { exact: true }).inputValue()).toBe("Begun to wri");

    await ada.whileDown(async () => {
      await pages.restart(() => ada.write("Kept over a reload."));
      await ada.page.reload();
    });
    await ada.page.getByText("Messages not sent yet: 1 of Ada.").waitFor();
    await ada.enter("ada");
    await expectOnceByAda(ada, "Kept over a reload.");
    await ada.button("Sign out").click();
    await ada.sees("You have signed out.");
    expect(await ada.page.getByText("Messages not sent yet").count()).toBe(0);
  });

  // A restart on memory also loses the memberships of rooms.
  browserTest("shows a refused message as not sent until it is sent again or discarded", async () => {
    const ada = await pages.enter("ada");
    await ada.room("Music").click();
    await ada.page.locator("#people li", { hasText: "(you)" }).waitFor();
    await ada.room("Engines").click();
    await ada.page.locator("#people li", { hasText: "(you)" }).waitFor();
    await ada.whileDown(() =>
      pages.restart(async () => {
        await ada.write("In Engines.");
        await ada.room("Music").click();
        await ada.write("In Music.");
        await ada.write("In Music, too.");
      }),
    );
    await ada.sees(SIGNED_OUT);
    await ada.enter("ada");
    await ada.page.getByRole("heading", { name: "Engines", level: 2 }).waitFor();
    await expectOnceByAda(ada, "In Engines.");

    await ada.room("Music 2 not sent").click();
    await ada.page.locator("#people li", { hasText: "(you)" }).waitFor();
    expect(
      await ada.page.locator(".refused .fate", { hasText: "Not sent: Join this room first." }).count(),
    ).toBe(2);
    expect(await ada.violations()).toEqual([]);
    await ada.page.reload();
    await ada.room("Music").click();
    const refused = (text: string) =>
      ada.page.locator(".message.refused").filter({ has: ada.page.getByText(text, { exact: true }) });
    await refused("In Music, too.").getByRole("button", { name: "Discard" }).click();
    await refused("In Music.").getByRole("button", { name: "Send again" }).click();
    await expectOnceByAda(ada, "In Music.");
    await ada.page.locator(".message.refused").waitFor({ state: "detached" });
    expect(await ada.page.locator(".message").count()).toBe(1);
    await ada.room("Lobby").click();
    expect(await ada.room("Music 2 not sent").count()).toBe(0);
  });

  // Once, the page came back with the cookie of a user who had signed in meanwhile, and sent the message as that user.
  browserTest("never sends a message as a user who has signed in in another tab", async () => {
    const watcher = await pages.enter("grace");
    const ada = await pages.enter("ada", {}, line.url);
    await ada.whileDown(async () => {
      line.cut();
      await ada.sees("Offline, trying again");
      await ada.write("This is Ada's.");
      // Cookies ignore ports, so this is the same device, past the cut line.
      const data = { user: "grace", password: PASSWORDS.grace };
      const response = await ada.page.request.post(`${pages.url}/api/sign-in`, { data });
      expect(response.status()).toBe(204);
      line.heal();
      await ada.page.getByRole("heading", { name: "Grace", level: 2 }).waitFor();
      await ada.sees("Connected");
    });
    await ada.write("This is Grace's.");
    for (const page of [ada, watcher]) await page.message("This is Grace's.").waitFor();
    for (const page of [ada, watcher]) expect(await page.message("This is Ada's.").count()).toBe(0);
    await ada.button("Sign out").click();
    await ada.page.getByText("Messages not sent yet: 1 of Ada.").waitFor();
    await ada.enter("ada");
    for (const page of [ada, watcher]) await expectOnceByAda(page, "This is Ada's.");
  });
});
