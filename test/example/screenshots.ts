import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { startExample } from "./example-process.ts";

/** Takes the pictures in the README: a talk between two users of the example. */
const FOLDER = "docs/images";

const TALK = [
  ["ada", "Good morning! The engine has run all night, and the cards are still in order."],
  ["grace", "Morning, Ada. Did it notice that you changed the password at two?"],
  ["ada", "It did: my phone was signed out before I had put it down."],
  ["grace", "And the tab on the other node?"],
  ["ada", "Gone as well, by itself. This one stayed, as I had asked."],
  ["grace", "Then we can restart the server without telling anybody."],
  ["grace", "What is written meanwhile is sent when it is back."],
] as const;

const PASSWORDS = { ada: "analytical engine", grace: "first compiler" } as const;

const browser = await launchChromium();
const example = await startExample();
try {
  const desktop = { viewport: { width: 1280, height: 830 } };
  const pages = {
    ada: await signIn("ada", { ...desktop, colorScheme: "light" }),
    grace: await signIn("grace", { ...desktop, colorScheme: "dark" }),
  };
  const phone = await signIn("ada", {
    viewport: { width: 390, height: 780 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    userAgent:
      "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
  });

  for (const page of [pages.ada, pages.grace]) await page.getByRole("button", { name: /Engines/ }).click();
  for (const page of [pages.ada, pages.grace]) await page.locator("#people").getByText("Grace").waitFor();
  await phone.getByRole("button", { name: /Engines/ }).click();
  for (const [who, text] of TALK) {
    await pages[who].getByLabel("Message", { exact: true }).fill(text);
    await pages[who].keyboard.press("Enter");
    for (const page of [pages.ada, pages.grace, phone]) await page.locator("#log").getByText(text).waitFor();
  }
  for (let times = 0; times < 3; times++) await pages.ada.locator("#count-http").click();
  for (let times = 0; times < 2; times++) await pages.ada.locator("#count-web-socket").click();

  await pages.grace.getByLabel("Message", { exact: true }).pressSequentially("I will");
  for (const page of [pages.ada, phone]) await page.getByText("Grace is typing…").waitFor();
  await shoot(pages.ada, "chat-light.png");
  await shoot(phone, "chat-phone.png");
  await pages.grace.getByLabel("Message", { exact: true }).fill("");
  await pages.ada.getByLabel("Message", { exact: true }).pressSequentially("So");
  await pages.grace.getByText("Ada is typing…").waitFor();
  await shoot(pages.grace, "chat-dark.png");
  const [more] = process.argv.slice(2);
  if (more) await shootMore(pages.grace, phone, more);
} finally {
  await browser.close();
  await example.stop();
}

async function signIn(user: keyof typeof PASSWORDS, options: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(example.url);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORDS[user]);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Connected").waitFor();
  return page;
}

async function shoot(page: Page, file: string, folder = FOLDER): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, file) });
}

/** Further views, for work on the page: `npm run screenshots -- FOLDER`. */
async function shootMore(page: Page, phone: Page, folder: string): Promise<void> {
  await phone.getByRole("button", { name: "Account" }).click();
  await shoot(phone, "phone-account.png", folder);
  await phone.setViewportSize({ width: 320, height: 568 });
  await shoot(phone, "narrow-account.png", folder);
  await phone.getByRole("button", { name: "Close" }).click();
  await shoot(phone, "narrow.png", folder);
  await page.setViewportSize({ width: 900, height: 600 });
  await shoot(page, "tablet-dark.png", folder);
  await phone.setViewportSize({ width: 390, height: 780 });
  await phone.getByRole("button", { name: "Account" }).click();
  await phone.getByRole("button", { name: "Sign out", exact: true }).click();
  await phone.getByText("You have signed out.").waitFor();
  await shoot(phone, "phone-sign-in.png", folder);
}
