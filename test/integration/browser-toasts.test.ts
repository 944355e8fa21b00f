import type { Locator } from "playwright-core";
import type { ChatPage } from "../example/chat-page.ts";
import { ChatPages } from "../example/chat-pages.ts";
import { PASSWORDS } from "../example/visitors.ts";
import { describeInChromium } from "../support/chromium.ts";

jest.setTimeout(180_000);

/** Longer than any toast stays. */
const LONG_MS = 12_000;

const NOTICE = "The password is changed.";
const PROBLEM = "The current password is wrong.";

describeInChromium("what the chat tells in passing", (browserTest) => {
  const pages = new ChatPages();

  async function enterWithClock(): Promise<ChatPage> {
    const ada = await pages.open();
    await ada.page.clock.install();
    await ada.page.reload();
    return ada.enter("ada");
  }

  const passTime = ({ page }: ChatPage) => page.clock.runFor(LONG_MS);
  const toast = ({ page }: ChatPage, text: string) => page.locator(".notice").filter({ hasText: text });
  const gone = (locator: Locator) => locator.waitFor({ state: "detached" });

  async function showProblem(ada: ChatPage): Promise<void> {
    await ada.changePassword("wrong password", "another password");
    await toast(ada, PROBLEM).waitFor();
    ada.expectError(/status of 403/);
  }

  async function showNotice(ada: ChatPage): Promise<void> {
    await ada.changePassword(PASSWORDS.ada, PASSWORDS.ada);
    await toast(ada, NOTICE).waitFor();
  }

  const backgroundOf = ({ page }: ChatPage, id: string) =>
    page.evaluate<string>(`getComputedStyle(document.getElementById("${id}")).backgroundColor`);

  const background = ({ page }: ChatPage, colour: string) =>
    page.evaluate<string>(`(() => {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.background = "var(${colour})";
      const { backgroundColor } = getComputedStyle(probe);
      probe.remove();
      return backgroundColor;
    })()`);

  // Once, they stayed until a click or another action.
  browserTest("disappears by itself, and is announced according to its kind", async () => {
    const ada = await enterWithClock();
    await showProblem(ada);
    expect(await ada.page.getByRole("alert").getByText(PROBLEM).count()).toBe(1);
    await passTime(ada);
    await gone(toast(ada, PROBLEM));
    await showNotice(ada);
    expect(await ada.page.getByRole("status").getByText(NOTICE).count()).toBe(1);
    await passTime(ada);
    await gone(toast(ada, NOTICE));
  });

  browserTest("stays while it is hovered or has the focus, and then disappears", async () => {
    const ada = await enterWithClock();
    await showNotice(ada);
    await toast(ada, NOTICE).hover();
    for (let times = 0; times < 3; times++) await passTime(ada);
    expect(await toast(ada, NOTICE).isVisible()).toBe(true);
    await ada.page.mouse.move(5, 5);
    await passTime(ada);
    await gone(toast(ada, NOTICE));

    await showProblem(ada);
    await toast(ada, PROBLEM).getByRole("button", { name: "Dismiss" }).focus();
    for (let times = 0; times < 3; times++) await passTime(ada);
    expect(await toast(ada, PROBLEM).isVisible()).toBe(true);
    await ada.page.locator("#text").focus();
    await passTime(ada);
    await gone(toast(ada, PROBLEM));
  });

  browserTest("is dismissed by its button or by a key, and keeps the focus in place", async () => {
    const ada = await pages.enter("ada");
    await showProblem(ada);
    await toast(ada, PROBLEM).getByRole("button", { name: "Dismiss" }).click();
    await gone(toast(ada, PROBLEM));

    await showProblem(ada);
    await ada.page.locator("#text").focus();
    await toast(ada, PROBLEM).getByRole("button", { name: "Dismiss" }).focus();
    await ada.page.keyboard.press("Enter");
    await gone(toast(ada, PROBLEM));
    await ada.page.locator("#text:focus").waitFor();

    await showNotice(ada);
    await ada.page.keyboard.press("Escape");
    await gone(toast(ada, NOTICE));
    expect(await ada.page.getByRole("button", { name: "Dismiss" }).count()).toBe(0);
  });

  // Once, it had the green of success.
  browserTest("shows in its own style that the user is signed out, and then stays", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const [ada, phone] = [await pages.enter("ada"), await pages.open({ colorScheme })];
      await phone.page.clock.install();
      await phone.page.reload();
      await phone.enter("ada");
      await ada.button("Sign out all others").click();
      const why = phone.page.getByRole("status").getByText("You were signed out. Please sign in again.");
      await why.waitFor();
      const shown = await backgroundOf(phone, "signed-out-why");
      expect(shown).toBe(await background(phone, "--waiting-surface"));
      expect(shown).not.toBe(await background(phone, "--good-surface"));
      await passTime(phone);
      expect(await why.isVisible()).toBe(true);
      expect(await phone.violations()).toEqual([]);

      await phone.enter("ada");
      expect(await why.isVisible()).toBe(false);
      await phone.button("Sign out").click();
      const done = toast(phone, "You have signed out.");
      await done.waitFor();
      expect(await backgroundOf(phone, "notice")).not.toBe(await background(phone, "--good-surface"));
      expect(await phone.violations()).toEqual([]);
      await passTime(phone);
      await gone(done);
    }
  });
});
