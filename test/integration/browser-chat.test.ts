import type { Browser } from "playwright-core";
import { ChatPage } from "../example/chat-page.ts";
import { type ExampleProcess, startExample } from "../example/example-process.ts";
import { PASSWORDS, type UserName } from "../example/visitors.ts";
import { describeInChromium, launchChromium } from "../support/chromium.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

jest.setTimeout(180_000);

describeInChromium("the chat in a browser", (browserTest) => {
  let example: ExampleProcess;
  let browser: Browser;
  let pages: ChatPage[] = [];
  let proxy: TcpProxy | undefined;

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), launchChromium()]);
  });
  afterEach(async () => {
    const errors = pages.flatMap((page) => page.errors);
    await Promise.all(pages.map(({ page }) => page.context().close()));
    pages = [];
    await proxy?.close();
    proxy = undefined;
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.stop();
  });

  async function open(url = example.url): Promise<ChatPage> {
    const page = await ChatPage.open(browser, url);
    pages.push(page);
    return page;
  }

  /** Opens a page on a separate device for each user, and signs in. */
  async function enter<Users extends UserName[]>(
    ...users: Users
  ): Promise<{ [user in keyof Users]: ChatPage }> {
    const entered = users.map(async (user) => (await open()).enter(user));
    return (await Promise.all(entered)) as { [user in keyof Users]: ChatPage };
  }

  browserTest("two users talk on all devices, and see each other arrive and type", async () => {
    const [ada, phone, grace] = await enter("ada", "ada", "grace");
    await ada.page.locator("#people li", { hasText: "Grace here" }).waitFor();

    await Promise.all([
      ...[ada, phone].map((page) => page.sees("Grace is typing…")),
      grace.page.getByLabel("Message", { exact: true }).pressSequentially("Hel"),
    ]);
    await grace.write("Hello, <b>Ada</b>.");
    for (const page of [ada, phone, grace]) await page.message("Hello, <b>Ada</b>.").waitFor();
    await phone.write("Hello from the phone.");
    for (const page of [ada, phone, grace]) await page.message("Hello from the phone.").waitFor();
    expect(await grace.page.locator("#typing").textContent()).toBe("");

    await ada.page.reload();
    await ada.message("Hello from the phone.").waitFor();
    expect(await ada.page.locator(".message").count()).toBe(2);
  });

  browserTest("rooms are joined and left on all devices, and count new messages", async () => {
    const [ada, phone, grace] = await enter("ada", "ada", "grace");
    await ada.room("Engines Join").click();
    await ada.page.getByRole("heading", { name: "Engines", level: 2 }).waitFor();
    await phone.room("Engines").filter({ hasNotText: "Join" }).waitFor();
    await grace.room("Engines Join").click();
    await grace.page.locator("#people li", { hasText: "Ada here" }).waitFor();
    await grace.write("Steam is up.");
    await ada.message("Steam is up.").waitFor();
    await phone.room("Engines 1 new").click();
    await phone.message("Steam is up.").waitFor();
    expect(await phone.page.title()).toBe("Engines · Session chat");

    await ada.page.getByRole("button", { name: "Leave" }).click();
    for (const page of [ada, phone])
      await page.page.getByRole("heading", { name: "Lobby", level: 2 }).waitFor();
    await phone.room("Engines Join").waitFor();
  });

  browserTest("both counters are one session, in all tabs of a device", async () => {
    const [first] = await enter("ada");
    const second = await first.openTab();
    pages.push(second);
    await second.sees("Connected");
    await first.button("Add one over HTTP").click();
    await second.page.locator("#http-count", { hasText: "1" }).waitFor();
    await second.button("Add one over WebSocket").click();
    await first.page.locator("#web-socket-count", { hasText: "1" }).waitFor();
    await first.page.reload();
    await first.page.locator("#web-socket-count", { hasText: "1" }).waitFor();
    await first.sees("2 tabs open");
  });

  browserTest("a changed password signs the other devices out", async () => {
    const [ada, phone] = await enter("ada", "ada");
    await ada.sees("Sign out all others");
    await ada.changePassword(PASSWORDS.ada, "difference engine");
    await ada.page.getByText("The password is changed.").waitFor();
    await phone.sees("You were signed out. Please sign in again.");
    expect(await phone.page.getByRole("status").getByText("You were signed out").count()).toBe(1);
    await phone.page.locator("#user:focus").waitFor();
    await phone.enter("ada", "difference engine");
    await ada.changePassword("difference engine", PASSWORDS.ada);
    await phone.sees("You were signed out. Please sign in again.");
  });

  browserTest("one device signs another out, and signing out in one tab signs all tabs out", async () => {
    const [ada, phone] = await enter("ada", "ada");
    await ada.page
      .getByRole("button", { name: /^Sign out Chrome/ })
      .first()
      .click();
    await phone.sees("You were signed out. Please sign in again.");
    const tab = await ada.openTab();
    pages.push(tab);
    await tab.sees("Connected");
    await ada.button("Sign out").click();
    await ada.sees("You have signed out.");
    await tab.sees("You were signed out. Please sign in again.");
  });

  browserTest("signing in again in another tab reconnects the first tab with the new session", async () => {
    const [first] = await enter("ada");
    const second = await first.openTab();
    pages.push(second);
    await second.sees("Connected");
    const signIn = (user: UserName) =>
      second.page.request.post(`${example.url}/api/sign-in`, { data: { user, password: PASSWORDS[user] } });
    await first.button("Add one over HTTP").click();
    await second.page.locator("#http-count", { hasText: "1" }).waitFor();
    expect((await signIn("ada")).status()).toBe(204);
    // The new session counts from zero.
    for (const { page } of [first, second]) await page.locator("#http-count", { hasText: "0" }).waitFor();
    await second.button("Add one over WebSocket").click();
    await first.page.locator("#web-socket-count", { hasText: "1" }).waitFor();

    expect((await signIn("grace")).status()).toBe(204);
    for (const { page } of [first, second]) await page.getByRole("heading", { name: "Grace" }).waitFor();
  });

  browserTest(
    "an offline page says so, keeps written messages, and comes back with the missed ones",
    async () => {
      const line = await startTcpProxy(example.url);
      proxy = line;
      const [[grace], ada] = await Promise.all([
        enter("grace"),
        open(line.url).then((page) => page.enter("ada")),
      ]);
      await ada.noteSends();
      await ada.whileDown(async () => {
        await ada.page.context().setOffline(true);
        line.cut();
        await ada.sees("Offline, trying again");
        await ada.write("Written offline.");
        await ada.sees("Waiting for the connection");
        // More messages than a server accepts in a second.
        for (let n = 1; n <= 120; n++) await ada.write(`Offline, the ${n}.`);
        expect(await ada.violations()).toEqual([]);
        await grace.write("Missed meanwhile.");
        await grace.message("Missed meanwhile.").waitFor();
        line.heal();
        await ada.page.context().setOffline(false);
        await ada.sees("Connected");
      });
      await grace.message("Written offline.").waitFor();
      await ada.message("Missed meanwhile.").waitFor();
      await ada.message("Written offline.").waitFor();
      await grace.message("Offline, the 120.").waitFor();
      await ada.message("Offline, the 120.").waitFor();
      expect(await ada.page.locator(".waiting").count()).toBe(0);
      // Not all at once: a server accepts 100 at once, and 100 per second after that.
      const sends = await ada.sends();
      expect(sends.flat().length).toBeGreaterThan(120);
      for (const sentAt of sends) {
        for (const [at, ms] of sentAt.slice(100).entries())
          expect(ms - (sentAt[at] as number)).toBeGreaterThan(800);
      }
      for (const text of ["Written offline.", "Missed meanwhile."]) {
        for (const page of [ada, grace]) expect(await page.message(text).count()).toBe(1);
      }
    },
  );
});
