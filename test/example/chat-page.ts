import axe from "axe-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { PASSWORDS, type UserName } from "./visitors.ts";

/** Browser errors for requests to a server that is down or going down. */
const NETWORK_ERROR =
  /net::ERR_(CONNECTION_\w+|SOCKET_NOT_CONNECTED|INTERNET_DISCONNECTED|EMPTY_RESPONSE|NETWORK_CHANGED)|Unexpected response code: 503/;

/** Chromium's error when a line is closed while it connects, as by a client that reconnects at once. */
const GIVEN_UP = /WebSocket is closed before the connection is established/;

/** Makes a page record the times of its sends, on each of its WebSockets. */
const NOTE_SENDS = `(() => {
  window.sends = new Map();
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (...args) {
    sends.set(this, [...(sends.get(this) ?? []), performance.now()]);
    return send.apply(this, args);
  };
})()`;

/** The page of the example on a separate device. */
export class ChatPage {
  readonly page: Page;
  /** The errors in the console and the uncaught errors. */
  readonly errors: string[] = [];
  #wasServerDown = false;

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      if (GIVEN_UP.test(message.text())) return;
      if (this.#wasServerDown && NETWORK_ERROR.test(message.text())) return;
      this.errors.push(message.text());
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<ChatPage> {
    const context = await browser.newContext(options);
    const chat = new ChatPage(await context.newPage());
    await chat.page.goto(url);
    await chat.page.getByLabel("User name").waitFor();
    return chat;
  }

  /** One more tab of the device. */
  async openTab(): Promise<ChatPage> {
    const tab = new ChatPage(await this.page.context().newPage());
    await tab.page.goto(this.page.url());
    return tab;
  }

  async signIn(user: UserName, password: string = PASSWORDS[user]): Promise<this> {
    await this.page.getByLabel("User name").fill(user);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.button("Sign in").click();
    return this;
  }

  /** Signs in, and waits for the room. */
  async enter(user: UserName, password?: string): Promise<this> {
    await this.signIn(user, password);
    await this.sees("Connected");
    await this.page.locator("#people li").first().waitFor();
    return this;
  }

  async write(text: string): Promise<void> {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
    await this.page.keyboard.press("Enter");
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  room(name: string): Locator {
    return this.page.getByRole("navigation", { name: "Rooms" }).getByRole("button", { name });
  }

  /** A sent message in the room. */
  message(text: string): Locator {
    return this.page.locator(".message:not(.waiting)").filter({ hasText: text });
  }

  async sees(text: string): Promise<void> {
    await this.page.getByText(text, { exact: true }).first().waitFor();
  }

  async changePassword(current: string, next: string): Promise<void> {
    await this.page.getByLabel("Current password").fill(current);
    await this.page.getByLabel("New password").fill(next);
    await this.button("Change password").click();
  }

  /** Starts to record the sends of the page. */
  async noteSends(): Promise<void> {
    await this.page.evaluate(NOTE_SENDS);
  }

  /** The times of the page's sends in milliseconds, for each of its WebSockets. */
  sends(): Promise<number[][]> {
    return this.page.evaluate("[...sends.values()]");
  }

  /** The faults that axe-core finds, in short form. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<axe.AxeResults>("axe.run()");
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
    );
  }

  /** Asserts that there is one error in the console, and removes it from the list. */
  expectError(pattern: RegExp): void {
    expect(this.errors.shift()).toMatch(pattern);
  }

  /** Runs a step during which requests may fail by the network. The console may report that later. */
  async whileDown(work: () => Promise<void>): Promise<void> {
    this.#wasServerDown = true;
    await work();
  }
}
