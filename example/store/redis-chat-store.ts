import { randomBytes } from "node:crypto";
import type { createClient } from "redis";
import { type ChatStore, KEPT_MESSAGES, type Message } from "./chat-store.ts";

/**
 * Sets a key if it holds what it is thought to hold.
 *
 * KEYS[1] the key; ARGV[1] the value, ARGV[2] the value before, or nothing if there is to be none.
 */
const SET_IF_SAME = `
if (redis.call("GET", KEYS[1]) or nil) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[1])
return 1`;

/** All nodes with the same Redis, and over their restarts. */
export class RedisChatStore implements ChatStore {
  readonly #client: ReturnType<typeof createClient>;
  readonly #prefix: string;

  constructor(client: ReturnType<typeof createClient>, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  async secret(): Promise<string> {
    const key = `${this.#prefix}secret`;
    // Whichever node comes first makes it.
    await this.#client.set(key, randomBytes(32).toString("hex"), { condition: "NX" });
    return String(await this.#client.get(key));
  }

  async password(userId: string): Promise<string | undefined> {
    return (await this.#client.get(this.#passwordKey(userId))) ?? undefined;
  }

  async setPassword(userId: string, password: string, before: string | undefined): Promise<boolean> {
    const keys = [this.#passwordKey(userId)];
    const values = before === undefined ? [password] : [password, before];
    return (await this.#client.eval(SET_IF_SAME, { keys, arguments: values })) === 1;
  }

  async messages(room: string): Promise<Message[]> {
    const kept = await this.#client.lRange(this.#messagesKey(room), 0, -1);
    return kept.map((message) => JSON.parse(message));
  }

  async addMessage(message: Message): Promise<void> {
    const key = this.#messagesKey(message.room);
    await this.#client.multi().rPush(key, JSON.stringify(message)).lTrim(key, -KEPT_MESSAGES, -1).exec();
  }

  #passwordKey(userId: string): string {
    return `${this.#prefix}password:${userId}`;
  }

  #messagesKey(room: string): string {
    return `${this.#prefix}room:${room}:messages`;
  }
}
