import { randomBytes } from "node:crypto";
import { Browser, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";

/** Secrets that no output may contain, by name. Each is planted once. */
export const planted = Object.fromEntries(
  ["secret", "password", "contents", "message", "query", "header", "cookie", "protocol", "body"].map(
    (name) => [name, `planted-${name}-${randomBytes(12).toString("hex")}`],
  ),
) as Record<string, string>;

const open: Browser[] = [];

afterEach(() => {
  for (const browser of open.splice(0)) browser.close();
});

/** Clients that record their answers and their own secrets. */
export class Clients {
  readonly #url: string;
  readonly secrets = new Set<string>();
  /** Their answers, without their cookies. */
  readonly answers: string[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  visitor(): Browser {
    const browser = new Browser(this.#url);
    browser.cookies.set("theirs", planted.cookie as string);
    open.push(browser);
    return browser;
  }

  async send(browser: Browser, path: string, json: object = {}): Promise<number> {
    const headers = { authorization: `Bearer ${planted.header}`, "x-text": planted.contents as string };
    const response = await browser
      .post(`${path}?token=${planted.query}`, { json, headers })
      .catch(() => undefined);
    this.#note(browser);
    this.answers.push(response?.body ?? "");
    return response?.status ?? 0;
  }

  async signedIn(user: string): Promise<Browser> {
    const browser = this.visitor();
    expect(await this.send(browser, `/login/${user}`)).toBe(200);
    expect(await this.send(browser, "/set", { text: planted.contents })).toBe(200);
    return browser;
  }

  async connect(browser: Browser, query = "", options: object = {}) {
    const path = `/ws?token=${planted.query}${query}`;
    const ws = await browser.webSocket(path, options).catch((error: Error & { body?: string }) => {
      this.answers.push(error.body ?? "");
    });
    this.#note(browser);
    return ws ?? undefined;
  }

  /** Sends events, and waits until all are answered. */
  async ask(browser: Browser, events: readonly [type: string, data: object][]): Promise<void> {
    const ws = await eventually(
      async () => {
        const opened = await this.connect(browser);
        if (!opened) throw new Error("The handshake was refused.");
        return opened;
      },
      { withinMs: 15_000 },
    );
    for (const [type, data] of events) ws.send(JSON.stringify({ event_type: type, data, id: "x" }));
    const count = () => messages(ws).all.filter((text) => /"id":"x"/.test(text)).length;
    await eventually(() => expect(messages(ws).closed !== undefined || count() >= events.length).toBe(true), {
      withinMs: 20_000,
    });
    ws.terminate();
  }

  #note(browser: Browser): void {
    for (const [name, value] of browser.cookies) {
      if (name === "connect.sid") {
        this.secrets.add(value);
        this.secrets.add(decodeURIComponent(value));
        this.secrets.add(decodeURIComponent(value).slice(2).split(".")[0] as string);
      } else if (name.includes(".guest.")) this.secrets.add(name.split(".guest.")[1] as string);
    }
  }
}
