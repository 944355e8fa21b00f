import type { SessionData } from "express-session";
import type { Base, SessionSerializer, SessionSnapshot, SessionStore } from "../session-store.ts";
import { comparableJson } from "./comparable-json.ts";
import { inflateCookie } from "./inflate-cookie.ts";
import { copyKey } from "./merge.ts";

/**
 * The part of one save in a merged write: the keys that the saver has changed, and the session as the saver has it.
 */
export interface Addition {
  readonly keys: readonly string[];
  readonly sent: SessionSnapshot;
}

/**
 * How a store writes sessions: as JSON, or by a serializer that keeps more than JSON does. With such a serializer,
 * changes are found by comparing JSON of a special form, and the values come from the serializer's own text.
 */
export class SessionFormat {
  readonly #serializer: SessionSerializer | undefined;

  constructor({ serializer }: Pick<SessionStore, "serializer">) {
    this.#serializer = serializer === JSON ? undefined : serializer;
  }

  /** Captures the session as it is at this moment. */
  snapshot(data: SessionData): SessionSnapshot {
    const json = this.json(data);
    return this.#serializer ? { data, json, text: this.#serializer.stringify(data) } : { data, json };
  }

  /** Returns the JSON that sessions are compared by. */
  json(data: SessionData): string {
    return this.#serializer ? comparableJson(data) : JSON.stringify(data);
  }

  /** Returns a session in the form in which `json` writes it. */
  comparable(data: SessionData): SessionData {
    return this.#serializer ? (JSON.parse(comparableJson(data)) as SessionData) : data;
  }

  /** Returns an unshared copy of the stored session. `parsed` is the result of parsing its JSON. */
  async copy({ version }: Base, parsed: SessionData): Promise<SessionData> {
    return this.#serializer ? this.#serializer.parse(version) : parsed;
  }

  /**
   * Returns the snapshot to store for a session that was merged as JSON. It consists of `current`, or else of the
   * session that the first saver sent, and of the additions of each saver.
   */
  merged(
    merged: SessionData,
    current: Base | undefined,
    additions: readonly Addition[],
  ): SessionSnapshot | Promise<SessionSnapshot> {
    merged.cookie = inflateCookie(merged.cookie);
    if (!this.#serializer) return { data: merged, json: JSON.stringify(merged) };
    return this.#assembled(this.#serializer, merged, current, additions);
  }

  async #assembled(
    serializer: SessionSerializer,
    merged: SessionData,
    current: Base | undefined,
    additions: readonly Addition[],
  ): Promise<SessionSnapshot> {
    const [first] = additions as [Addition];
    const data = await serializer.parse(current?.version ?? (first.sent.text as string));
    for (const { keys, sent } of additions) {
      const mine = await serializer.parse(sent.text as string);
      for (const key of keys) copyKey(mine, data, key);
    }
    data.cookie = merged.cookie;
    return { data, json: JSON.stringify(merged), text: serializer.stringify(data) };
  }
}
