import { randomUUID } from "node:crypto";
import type { Browser } from "playwright-core";
import { ChatPage } from "../example/chat-page.ts";
import { type ExampleProcess, startExample } from "../example/example-process.ts";
import { PASSWORDS, type UserName } from "../example/visitors.ts";
import { describeInChromium, launchChromium } from "../support/chromium.ts";

jest.setTimeout(180_000);

describeInChromium("the chat in browsers on two nodes", (browserTest) => {
  const env = { REDIS_URL: process.env.REDIS_URL, REDIS_PREFIX: `${randomUUID()}:` };
  let first: ExampleProcess;
  let second: ExampleProcess;
  let browser: Browser;
  let pages: ChatPage[] = [];

  beforeAll(async () => {
    [first, second, browser] = await Promise.all([startExample(env), startExample(env), launchChromium()]);
  });
  afterEach(async () => {
    const errors = pages.flatMap((page) => page.errors);
    await Promise.all(pages.map(({ page }) => page.context().close()));
    pages = [];
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([first?.stop(), second?.stop()]);
  });

  /** Opens a page on a separate device, and signs in. */
  async function enter({ url }: ExampleProcess, user: UserName): Promise<ChatPage> {
    const page = await ChatPage.open(browser, url);
    pages.push(page);
    return page.enter(user);
  }

  browserTest(
    "users on different nodes talk, and a password change on one node signs out on the other",
    async () => {
      const ada = await enter(first, "ada");
      const phone = await enter(second, "ada");
      const grace = await enter(second, "grace");
      await ada.page.locator("#people li", { hasText: "Grace here" }).waitFor();
      await Promise.all([
        ada.sees("Grace is typing…"),
        grace.page.getByLabel("Message", { exact: true }).pressSequentially("Fr"),
      ]);
      await grace.write("From the second node.");
      for (const page of [ada, phone]) await page.message("From the second node.").waitFor();
      await ada.changePassword(PASSWORDS.ada, "difference engine");
      await phone.sees("You were signed out. Please sign in again.");
      await ada.page.getByText("1 other device was signed out.").waitFor();
      await ada.changePassword("difference engine", PASSWORDS.ada);
      await ada.page.getByText("0 other devices were signed out.").waitFor();
    },
  );

  browserTest(
    "a page reconnects after its server restarts, with its rooms and the missed messages",
    async () => {
      const ada = await enter(first, "ada");
      const grace = await enter(second, "grace");
      for (const page of [ada, grace]) {
        await page.room("Engines").click();
        await page.page.locator("#people li", { hasText: "(you)" }).waitFor();
      }
      await ada.write("Before the restart.");
      await grace.message("Before the restart.").waitFor();

      await ada.whileDown(async () => {
        expect(await first.stop()).toEqual({ code: 0, signal: null });
        await ada.sees("Offline, trying again");
        await ada.write("Written while it was down.");
        await grace.write("Missed while it was down.");
        first = await startExample({ ...env, PORT: new URL(first.url).port });
        await ada.sees("Connected");
      });
      await ada.message("Missed while it was down.").waitFor();
      for (const page of [ada, grace]) await page.message("Written while it was down.").waitFor();
      await ada.page.getByRole("heading", { name: "Engines", level: 2 }).waitFor();
      expect(await ada.room("Engines Join").count()).toBe(0);
      await grace.write("After the restart.");
      await ada.message("After the restart.").waitFor();
      expect(await ada.page.locator(".message").count()).toBe(4);
    },
  );
});
