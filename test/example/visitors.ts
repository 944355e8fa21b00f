import type { WebSocket } from "ws";
import { Browser, type BrowserResponse, closed, messages } from "../support/browser.ts";
import { type ExampleEnv, type ExampleProcess, startExample } from "./example-process.ts";

/** The passwords that the sign-in page shows. */
export const PASSWORDS = { ada: "analytical engine", grace: "first compiler" } as const;

export type UserName = keyof typeof PASSWORDS;

export const SESSION_ENDED = { code: 4501, reason: "session_ended" } as const;

/** The messages to a connection without a user. */
export const NOT_SIGNED_IN = { code: 4503, reason: "forbidden" } as const;

/** The session as the page receives it. Times are in milliseconds since the epoch. */
export interface Account {
  user: string | null;
  since?: number;
  httpCount: number;
  webSocketCount: number;
  devices: Device[];
}

export interface Device {
  createdAt: number;
  [what: string]: unknown;
}

export interface VisitorOptions {
  /** For another run of the example than the one of this file. */
  url?: string;
  userAgent?: string;
}

/** A visitor's browser, with the actions of its page. */
export class Visitor extends Browser {
  readonly #headers: Record<string, string>;

  constructor(url: string, userAgent?: string) {
    super(url);
    this.#headers = userAgent ? { "user-agent": userAgent } : {};
  }

  trySignIn(user: string, password: string): Promise<BrowserResponse> {
    return this.post("/api/sign-in", { json: { user, password }, headers: this.#headers });
  }

  async signIn(user: UserName = "ada", password: string = PASSWORDS[user]): Promise<void> {
    expect((await this.trySignIn(user, password)).status).toBe(204);
  }

  changePassword(current: string, next: string): Promise<BrowserResponse> {
    return this.post("/api/password", { json: { current, next } });
  }

  async account(): Promise<Account> {
    return (await this.get("/api/account")).json() as Account;
  }

  async devices(): Promise<Device[]> {
    return (await this.account()).devices;
  }

  signOutDevice({ createdAt }: Device): Promise<BrowserResponse> {
    return this.post(`/api/devices/${createdAt}/sign-out`);
  }

  /** Opens the page's WebSocket, as one more tab. */
  async openTab(): Promise<WebSocket> {
    const ws = await this.webSocket("/ws");
    await event(ws, "account.changed");
    return ws;
  }

  /** Asserts that the session has ended, for requests and for a connection. */
  async expectSignedOut(ws: WebSocket): Promise<void> {
    expect(await closed(ws)).toEqual(SESSION_ENDED);
    expect(await this.account()).toMatchObject({ user: null, devices: [] });
    expect((await this.post("/api/count")).status).toBe(401);
  }
}

/** Counts over a WebSocket. */
export async function count(ws: WebSocket): Promise<void> {
  expect(await request(ws, "count.add", {})).toMatchObject({ status: "success" });
}

/** The data of the next event of a type. Other events are skipped. */
export async function event(ws: WebSocket, type: string): Promise<unknown> {
  for (;;) {
    const { event_type, data } = (await messages(ws).nextJson()) as { event_type?: string; data?: unknown };
    if (event_type === type) return data;
  }
}

let lastId = 0;

/** Sends an event, and returns its answer. Other messages are skipped. */
export async function request(ws: WebSocket, type: string, data: object): Promise<Answer> {
  const id = ++lastId;
  ws.send(JSON.stringify({ event_type: type, data, id }));
  for (;;) {
    const answer = (await messages(ws).nextJson()) as Answer;
    if (answer.id === id) return answer;
  }
}

export interface Answer {
  id: number;
  status: "success" | "error";
  data?: unknown;
  error?: { code: string; message: string };
}

/** Runs the example for the tests of a block, and returns a function that creates visitors. */
export function runExample(env: () => ExampleEnv): (options?: VisitorOptions) => Visitor {
  let example: ExampleProcess;
  let visitors: Visitor[] = [];

  beforeAll(async () => {
    example = await startExample(env());
  }, 30_000);

  afterEach(() => {
    for (const visitor of visitors) visitor.close();
    visitors = [];
  });

  afterAll(async () => {
    await example?.stop();
  });

  return function visitor({ url = example.url, userAgent } = {}) {
    const made = new Visitor(url, userAgent);
    visitors.push(made);
    return made;
  };
}
