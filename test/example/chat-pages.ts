import type { Browser, BrowserContextOptions } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { ChatPage } from "./chat-page.ts";
import { type ExampleProcess, startExample } from "./example-process.ts";
import type { UserName } from "./visitors.ts";

/** Runs the example on memory and a browser for the tests of a block. A test fails if any page reports an error. */
export class ChatPages {
  #example: ExampleProcess | undefined;
  #browser: Browser | undefined;
  #pages: ChatPage[] = [];

  constructor() {
    beforeAll(async () => {
      [this.#example, this.#browser] = await Promise.all([startExample(), launchChromium()]);
    });
    afterEach(async () => {
      const errors = this.#pages.flatMap((page) => page.errors);
      await Promise.all(this.#pages.map(({ page }) => page.context().close()));
      this.#pages = [];
      expect(errors).toEqual([]);
    });
    afterAll(async () => {
      await this.#browser?.close();
      await this.#example?.stop();
    });
  }

  get url(): string {
    if (!this.#example) throw new Error("The example does not run.");
    return this.#example.url;
  }

  /** Opens the page on a separate device, through `url`. */
  async open(options: BrowserContextOptions = {}, url: string = this.url): Promise<ChatPage> {
    const page = await ChatPage.open(this.#browser as Browser, url, options);
    this.#pages.push(page);
    return page;
  }

  async enter(user: UserName, options?: BrowserContextOptions, url?: string): Promise<ChatPage> {
    return (await this.open(options, url)).enter(user);
  }

  /** Restarts the example at the same address. On memory, all sessions and messages are gone. */
  async restart(whileStopped: () => Promise<void>): Promise<void> {
    const { port } = new URL(this.url);
    await this.#example?.stop();
    await whileStopped();
    this.#example = await startExample({ PORT: port });
  }
}
