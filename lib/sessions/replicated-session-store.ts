import type { Replicas } from "../redis-client/replicas.ts";
import type { RedisSessionStoreOptions } from "./redis/redis-session-store-options.ts";
import { RedisSessionStore } from "./redis-session-store.ts";
import type { EndReason } from "./session-endings.ts";

/** A store in which the end of a session is complete only once replicas have it, whoever asked for it. */
export class ReplicatedSessionStore extends RedisSessionStore {
  readonly #replicas: Replicas;

  constructor(options: RedisSessionStoreOptions, replicas: Replicas) {
    super(options);
    this.#replicas = replicas;
  }

  override async remove(sid: string, reason?: EndReason): Promise<boolean> {
    // Connections close first. They must not stay open on a session that is gone here just because a replica lags
    // behind.
    const wasThere = await super.remove(sid, reason);
    await this.#replicas.confirm(["EXISTS", this.prefix + sid]);
    return wasThere;
  }
}
