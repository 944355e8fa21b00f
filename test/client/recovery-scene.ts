import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { RealtimeClientOptions } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest, connectClient, type Seen } from "./support.ts";

export interface Request {
  readonly id: number;
  readonly data: { channel: string; epoch: string; after: number; upTo: number; was: string[] };
}

export interface Scene extends Seen {
  readonly heard: unknown[];
  readonly lost: string[];
  /** The requests for history so far. */
  readonly asked: Request[];
  /** Everything else that the client has sent. */
  readonly sent: unknown[];
  tell(connection: string, channels: object): void;
  say(message: object): void;
  live(offset: number, channel?: string): void;
  /** Answers a request with the numbered messages, or with an error. */
  answer(index: number, offsets: number[] | string, upTo?: number): void;
  drop(): void;
}

/** A real server that says what the test lets it say, and a client. */
export async function scene(
  options: Partial<RealtimeClientOptions> = {},
  onOpen?: (scene: Scene) => void,
): Promise<Scene> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  let line: WebSocket | undefined;
  const asked: Request[] = [];
  const sent: unknown[] = [];
  const heard: unknown[] = [];
  const lost: string[] = [];
  server.on("connection", (ws) => {
    line = ws;
    onOpen?.(self);
    ws.on("message", (text) => {
      const message = JSON.parse(String(text));
      if (message.event_type === "session.history") asked.push(message);
      else sent.push(message.data);
    });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seen = connectClient({ url, heartbeatIntervalMs: 0, ...options });
  afterThisTest(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  seen.client.on("n", ({ n }) => heard.push(n)).onLost((channel) => lost.push(channel));
  const self: Scene = {
    ...seen,
    heard,
    lost,
    asked,
    sent,
    say: (message) => line?.send(JSON.stringify(message)),
    tell: (connection, channels) =>
      self.say({ event_type: "session.positions", data: { connection, channels } }),
    live: (offset, channel = "user") => self.say({ event_type: "n", data: { n: offset }, channel, offset }),
    answer(index, offsets, upTo) {
      const { id, data } = asked[index] as Request;
      if (typeof offsets === "string") {
        self.say({ id, status: "error", error: { code: offsets, message: offsets } });
        return;
      }
      const messages = offsets.map((offset) => ({ event_type: "n", data: { n: offset }, offset }));
      self.say({ id, status: "success", data: { channel: data.channel, messages, upTo: upTo ?? data.upTo } });
    },
    drop: () => line?.terminate(),
  };
  await seen.until("open");
  return self;
}

/** A client that has the messages up to 2, and comes back to a channel that stands at `offset`. */
export async function comeBack(
  offset: number,
  epoch = "e",
  options: Partial<RealtimeClientOptions> = {},
): Promise<Scene> {
  let connections = 0;
  const self = await scene(options, ({ tell }) =>
    connections++
      ? tell("second", { user: { epoch, offset } })
      : tell("first", { user: { epoch: "e", offset: 0 } }),
  );
  self.live(1);
  self.live(2);
  await eventually(() => expect(self.heard).toEqual([1, 2]));
  self.drop();
  await self.until("waiting");
  return self;
}

/** Resolves once the client has handled all that the server has said. */
export async function settled({ say, client }: Scene): Promise<void> {
  const marked = new Promise<void>((resolve) => client.on("mark", () => resolve()));
  say({ event_type: "mark" });
  await marked;
}
