import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type {
  ActiveSession,
  Connection,
  DeletionReceipt,
  Realtime,
  UserSessions,
  WebSocketSessions,
} from "../../lib/index.ts";
import { Browser } from "../support/browser.ts";

/** The events of a node's app, in order. */
export interface Told {
  readonly event: "connect" | "disconnect" | "online" | "offline" | "error";
  readonly userId?: string | undefined;
  /** The connection's. */
  readonly id?: string;
  readonly code?: number;
  readonly message?: string;
}

/** The controls of a node, in this process or in another one. */
export interface RealtimeControl {
  join(user: string, group: string): Promise<void>;
  leave(user: string, group: string): Promise<void>;
  groupsOf(user: string): Promise<string[]>;
  members(group: string): Promise<string[]>;
  presence(group: string): Promise<string[]>;
  activeSessions(user: string): Promise<ActiveSession[]>;
  sendToGroup(group: string, data: object, exceptId?: string): Promise<void>;
  sendToUser(user: string, data: object): Promise<void>;
  deleteUserSessions(user: string): Promise<DeletionReceipt>;
  /** The node's events so far. */
  told(): Promise<readonly Told[]>;
  /** The ids of its connections. */
  connectionIds(): Promise<string[]>;
  /** The size of its memory. */
  memoryBytes(): Promise<number>;
  close(drainMs: number): Promise<void>;
}

interface Parts {
  readonly chat: Realtime;
  readonly users: UserSessions;
  readonly wsSessions: WebSocketSessions;
  readonly told: readonly Told[];
  readonly connections: ReadonlyMap<string, Connection>;
}

/** Controls a node of this process. */
export function controlOf({ chat, users, wsSessions, told, connections }: Parts): RealtimeControl {
  return {
    join: (user, group) => chat.join(user, group),
    leave: (user, group) => chat.leave(user, group),
    groupsOf: (user) => chat.groupsOf(user),
    members: (group) => chat.members(group),
    presence: (group) => chat.presence(group),
    activeSessions: (user) => chat.activeSessions(user),
    deleteUserSessions: (user) => users.deleteUserSessions(user),
    async sendToGroup(name, data, exceptId) {
      const group = chat.group(name);
      const excepted = exceptId === undefined ? undefined : connections.get(exceptId);
      await (excepted ? group.except(excepted) : group).send("message", data);
    },
    sendToUser: (user, data) => chat.user(user).send("message", data),
    told: async () => told,
    connectionIds: async () => [...connections.keys()],
    memoryBytes: async () => bytesInUse(),
    close: (drainMs) => wsSessions.close({ drainMs }),
  };
}

/** The memory in use after a garbage collection. */
function bytesInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Controls a node of another process. An error there is thrown here, with its code. */
export function remoteControl(url: string): RealtimeControl {
  // No connection stays open that could break when the node ends.
  const browser = new Browser(url, { keepAlive: false });
  return new Proxy({} as RealtimeControl, {
    get:
      (_, call) =>
      async (...args: unknown[]) => {
        const response = await browser.post("/control", { json: { call, args }, withinMs: 15_000 });
        const { result, error } = response.json() as { result?: unknown; error?: string };
        if (response.status === 200) return result;
        throw Object.assign(new Error(`${String(call)} answered ${response.status}: ${error}`), {
          code: error,
        });
      },
  });
}
