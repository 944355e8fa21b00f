import type { SessionData } from "express-session";
import type { Base, SessionSerializer, SessionSnapshot, SessionStore } from "../session-store.ts";
import { comparableJson } from "./comparable-json.ts";
import { inflateCookie } from "./inflate-cookie.ts";
import { copyKey } from "./merge.ts";

/** What one saver adds to a session: the keys that it has changed, and the session as it has it. */
export interface Addition {
  readonly keys: readonly string[];
  readonly sent: SessionSnapshot;
}

/**
 * How sessions are written by a store: as JSON, or by a serializer that keeps more. Then it is found by a JSON of its own
 * what has changed, and the values themselves are what the serializer has made of its own text.
 */
export class SessionFormat {
  readonly #serializer: SessionSerializer | undefined;

  constructor({ serializer }: Pick<SessionStore, "serializer">) {
    this.#serializer = serializer === JSON ? undefined : serializer;
  }

  /** A session as it is at this moment. */
  snapshot(data: SessionData): SessionSnapshot {
    const json = this.json(data);
    return this.#serializer ? { data, json, text: this.#serializer.stringify(data) } : { data, json };
  }

  /** The JSON by which a session is compared. */
  json(data: SessionData): string {
    return this.#serializer ? comparableJson(data) : JSON.stringify(data);
  }

  /** A session in the form in which that JSON has it. */
  comparable(data: SessionData): SessionData {
    return this.#serializer ? (JSON.parse(comparableJson(data)) as SessionData) : data;
  }

  /** A copy of one's own of what is stored; `parsed` is what its JSON says. */
  async copy({ version }: Base, parsed: SessionData): Promise<SessionData> {
    return this.#serializer ? this.#serializer.parse(version) : parsed;
  }

  /**
   * What is to be stored of a session that was put together as JSON: what stands in `current`, or has the first saver sent,
   * with what each saver adds.
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
