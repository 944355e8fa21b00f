export const wsServerNames = [
  "bare writes",
  "ws",
  "ws + express-session",
  "ws + express-session, keeping req",
  "socket.io",
  "express-session-stack",
  "express-session-stack + realtime",
] as const;
export type WsServerName = (typeof wsServerNames)[number];

/** What the process of a server is told; all but `broadcast` are answered. */
export type Command =
  | { command: "cpu" }
  | { command: "memory" }
  /** How many connections the server has closed because they did not read. */
  | { command: "slowConsumers" }
  | { command: "join"; userIds: string[] }
  /** One message for each text, all in one turn of the event loop. */
  | { command: "broadcast"; texts: string[] }
  | { command: "countRedisWrites" }
  | { command: "redisWrites" }
  | { command: "profile" }
  | { command: "profiled"; file: string };

/** Since the process began. */
export interface Cpu {
  userMs: number;
  systemMs: number;
}

export interface Memory {
  rssBytes: number;
  heapUsedBytes: number;
}

export const heartbeat: string = JSON.stringify({ event_type: "session.heartbeat", data: {} });
export const heartbeatAnswer: string = JSON.stringify({ status: "success" });

/** The event that carries a text, as all but socket.io write it. */
export function eventOf(text: string): string {
  return JSON.stringify({ event_type: "chat.message", data: { text } });
}

/** How a client of a server shakes hands, beside the WebSocket's own handshake. */
export interface Dialect {
  path: string;
  /** Sent once the WebSocket is open. */
  hello?: string;
  /** How the message begins that says that the client is connected; without it, the WebSocket's being open does. */
  welcome?: string;
  /** A message that is answered with another, so that the server takes the client for alive. */
  ping?: string;
  pong?: string;
  /** Bytes of a message beside its text. */
  envelopeBytes: number;
}

const plain: Dialect = { path: "/", envelopeBytes: eventOf("").length };
const socketIo: Dialect = {
  path: "/socket.io/?EIO=4&transport=websocket",
  hello: "40",
  welcome: "40",
  ping: "2",
  pong: "3",
  envelopeBytes: `42["chat.message",{"text":""}]`.length,
};

export function dialectOf(name: WsServerName): Dialect {
  return name === "socket.io" ? socketIo : plain;
}
