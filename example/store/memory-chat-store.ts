import { randomBytes } from "node:crypto";
import { type ChatStore, KEPT_MESSAGES, type Message } from "./chat-store.ts";

/** One process, for as long as it runs. */
export class MemoryChatStore implements ChatStore {
  readonly #secret = randomBytes(32).toString("hex");
  readonly #passwords = new Map<string, string>();
  readonly #messages = new Map<string, Message[]>();

  async secret(): Promise<string> {
    return this.#secret;
  }

  async password(userId: string): Promise<string | undefined> {
    return this.#passwords.get(userId);
  }

  async setPassword(userId: string, password: string, before: string | undefined): Promise<boolean> {
    if (this.#passwords.get(userId) !== before) return false;
    this.#passwords.set(userId, password);
    return true;
  }

  async messages(room: string): Promise<Message[]> {
    return [...(this.#messages.get(room) ?? [])];
  }

  async addMessage(message: Message): Promise<void> {
    const kept = [...(this.#messages.get(message.room) ?? []), message];
    this.#messages.set(message.room, kept.slice(-KEPT_MESSAGES));
  }
}
