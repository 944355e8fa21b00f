import type { Browser } from "playwright-core";
import { ChatPage } from "../example/chat-page.ts";
import { type ExampleProcess, startExample } from "../example/example-process.ts";
import { PASSWORDS } from "../example/visitors.ts";
import { describeInChromium, launchChromium } from "../support/chromium.ts";

jest.setTimeout(180_000);

describeInChromium("the chat is there for everybody", (browserTest) => {
  let example: ExampleProcess;
  let browser: Browser;
  let pages: ChatPage[] = [];

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), launchChromium()]);
  });
  afterEach(async () => {
    const errors = pages.flatMap((page) => page.errors);
    await Promise.all(pages.map(({ page }) => page.context().close()));
    pages = [];
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.stop();
  });

  async function open(options = {}): Promise<ChatPage> {
    const page = await ChatPage.open(browser, example.url, { reducedMotion: "reduce", ...options });
    pages.push(page);
    return page;
  }

  browserTest("axe-core finds no fault in any view, light and dark, wide and narrow", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const found: Record<string, string[]> = {};
      const ada = await open({ colorScheme });
      found.signIn = await ada.violations();
      const grace = await (await open({ colorScheme, viewport: { width: 390, height: 780 } })).enter("grace");
      await ada.enter("ada");
      await ada.room("Music").click();
      await grace.write("Hello, Ada.");
      await ada.room("Lobby 1 new").waitFor();
      found.unread = await ada.violations();
      await ada.room("Lobby").click();
      await ada.write(`Hello, Grace, in ${colorScheme}.`);
      await grace.message(`Hello, Grace, in ${colorScheme}.`).waitFor();
      found.room = await ada.violations();
      found.roomOnPhone = await grace.violations();
      await grace.button("Account").click();
      found.accountOnPhone = await grace.violations();
      await ada.changePassword("wrong password", "another password");
      await ada.sees("The current password is wrong.");
      found.problem = await ada.violations();
      ada.expectError(/status of 403/);
      expect({ colorScheme, ...found }).toEqual({
        colorScheme,
        signIn: [],
        unread: [],
        room: [],
        roomOnPhone: [],
        accountOnPhone: [],
        problem: [],
      });
    }
  });

  browserTest("it can be used by keyboard alone, in the visible order", async () => {
    const { page } = await open();
    await page.locator("#user:focus").waitFor();
    await page.keyboard.type("ada");
    await page.keyboard.press("Tab");
    await page.keyboard.type(PASSWORDS.ada);
    await page.keyboard.press("Enter");
    await page.locator("#text:focus").waitFor();
    await page.getByText("Connected").waitFor();
    await page.keyboard.type("By keyboard.");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("Two lines.");
    await page.keyboard.press("Enter");
    await page.locator(".message:not(.waiting)", { hasText: "Two lines." }).waitFor();

    const order: string[] = [];
    await page.locator(".skip").focus();
    for (let presses = 0; presses < 7; presses++) {
      await page.keyboard.press("Tab");
      order.push(await page.evaluate("document.activeElement.id || document.activeElement.innerText"));
    }
    const seen = order.map((text) => text.replaceAll(/\s+/g, " ").trim());
    const rooms = ["# Lobby", "# Engines", "# Music"];
    expect(seen.map((text) => text.replace(" Join", ""))).toEqual([
      ...rooms,
      "log",
      "text",
      "Send",
      "sign-out",
    ]);
  });

  browserTest("nothing scrolls sideways at 320 pixels and at a zoom of 200 %", async () => {
    for (const viewport of [
      { width: 320, height: 568 },
      { width: 640, height: 360 },
    ]) {
      const ada = await open({ viewport });
      const overflow = () =>
        ada.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      expect(await overflow()).toBe(0);
      await ada.enter("ada");
      await ada.write("A_long_word_".repeat(30));
      await ada.message("A_long_word_").first().waitFor();
      expect(await overflow()).toBe(0);
      await ada.button("Account").click();
      await ada.page.locator("#account-heading:focus").waitFor();
      expect(await overflow()).toBe(0);
      await ada.button("Close").click();
      await ada.button("Send").scrollIntoViewIfNeeded();
    }
  });
});
