import type { Locator } from "playwright-core";
import type { ChatPage } from "../example/chat-page.ts";
import { ChatPages } from "../example/chat-pages.ts";
import { describeInChromium } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

jest.setTimeout(180_000);

const SCREENS = [
  { width: 390, height: 844 },
  { width: 360, height: 640 },
  { width: 320, height: 568 },
  { width: 844, height: 390 },
];

/** The height of the part above the messages. */
const MOST_PX = 64;

describeInChromium("the chat on a phone", (browserTest) => {
  const pages = new ChatPages();

  /** Asserts that controls are visible without scrolling, and not covered. */
  async function expectReachable({ page }: ChatPage, controls: Locator[]): Promise<void> {
    const screen = page.viewportSize() as { width: number; height: number };
    for (const control of controls) {
      const box = await control.boundingBox();
      if (!box) throw new Error(`${control} is not shown.`);
      const { x, y, width, height } = box;
      const beyond = [x + width - screen.width, y + height - screen.height, -x, -y];
      expect({ control: `${control}`, beyond: Math.max(...beyond, 0) }).toMatchObject({ beyond: 0 });
      await control.click({ trial: true });
    }
  }

  /** Asserts that at most one bar is above the room, with all controls. */
  async function expectRoom(chat: ChatPage, { canLeave = false }): Promise<void> {
    const top = await chat.page.evaluate<number>(
      "document.querySelector('#log').getBoundingClientRect().top",
    );
    expect(top).toBeLessThanOrEqual(MOST_PX);
    const sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await chat.page.evaluate(sideways)).toBe(0);
    await expectReachable(chat, [
      chat.button("Account"),
      ...["Lobby", "Engines", "Music"].map((name) => chat.room(name)),
      chat.page.getByLabel("Message", { exact: true }),
      chat.button("Send"),
      ...(canLeave ? [chat.page.getByRole("button", { name: "Leave this room" })] : []),
      ...(await chat.page.locator("#people li").all()),
    ]);
  }

  /** Each answer of the server draws the list of people again while the test reads it. */
  async function expectRoomSoon(chat: ChatPage, options: { canLeave?: boolean }): Promise<void> {
    await eventually(() => expectRoom(chat, options), { withinMs: 30_000 });
  }

  // Once, the header took a third of the screen.
  browserTest("has one bar with all controls above the messages", async () => {
    const line = await startTcpProxy(pages.url);
    const grace = await pages.enter("grace");
    const phone = await pages.enter(
      "ada",
      { isMobile: true, hasTouch: true, viewport: SCREENS[0] as never },
      line.url,
    );
    await phone.page.locator("#people li", { hasText: "Grace here" }).waitFor();
    await phone.room("Engines").tap();
    await phone.page.locator("#people li", { hasText: "Ada" }).waitFor();
    await grace.room("Engines").click();
    await phone.page.locator("#people li", { hasText: "Grace here" }).waitFor();
    await grace.room("Lobby").click();
    await grace.page.getByRole("heading", { name: "Lobby", level: 2 }).waitFor();
    await grace.write("Hello.");
    await phone.room("Lobby 1 new").waitFor();
    for (const screen of SCREENS) {
      await phone.page.setViewportSize(screen);
      await expectRoomSoon(phone, { canLeave: true });
      expect(await phone.violations()).toEqual([]);
      await phone.button("Account").tap();
      await expectReachable(phone, [phone.button("Close"), phone.button("Sign out")]);
      for (const name of ["Add one over HTTP", "Add one over WebSocket", "Change password"])
        await phone.button(name).scrollIntoViewIfNeeded();
      await phone.button("Close").tap();
    }
    await phone.whileDown(async () => {
      line.cut();
      await phone.page.locator("#people li", { hasText: "Ada (you) offline" }).waitFor();
      for (const screen of SCREENS) {
        await phone.page.setViewportSize(screen);
        await expectRoomSoon(phone, { canLeave: true });
      }
      expect(await phone.violations()).toEqual([]);
      line.heal();
      await phone.page.locator("#people li", { hasText: "Ada (you) here" }).waitFor();
    });
    await phone.page.getByRole("button", { name: "Leave this room" }).tap();
    await phone.page.getByRole("heading", { name: "Lobby", level: 2 }).waitFor({ state: "attached" });
    await expectRoomSoon(phone, {});
    await line.close();
  });

  browserTest("can be used by keyboard in the visible order", async () => {
    const { page } = await pages.enter("ada", { viewport: { width: 390, height: 844 } });
    const order: string[] = [];
    await page.locator(".skip").focus();
    for (let presses = 0; presses < 6; presses++) {
      await page.keyboard.press("Tab");
      order.push(
        await page.evaluate(
          "document.activeElement.querySelector('.name')?.innerText || document.activeElement.id",
        ),
      );
    }
    expect(order).toEqual(["account-toggle", "Lobby", "Engines", "Music", "log", "text"]);
  });
});
