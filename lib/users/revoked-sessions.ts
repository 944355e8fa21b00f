import type { Bounds } from "../calls/bounds.ts";
import { chunks } from "../calls/in-batches.ts";
import { debugDeletion } from "../middleware/debug-session.ts";
import type { SessionConfig } from "../middleware/session-options.ts";
import { END_SESSIONS, type EndedSessions } from "../sessions/ending-relay.ts";
import { digestOf } from "../sessions/session-digest.ts";
import { readable } from "../sessions/session-store.ts";
import { AskedNodes } from "./asked-nodes.ts";
import { type DeletionReceipt, DeletionTally, sumOf } from "./deletion-receipt.ts";
import { END_LOST_SESSIONS, type LostSessions } from "./session-index/lost-sessions.ts";

/** Sessions in one batch, which is ended, announced to the nodes and removed from the index. */
export const ENDED_AT_ONCE = 500;

/** One run that ends all revoked sessions of a user. */
interface Run {
  readonly tally: DeletionTally;
  /** Never rejects. */
  readonly settled: Promise<void>;
  /** The run after this one, for callers that revoked entries while this run was active. */
  next: Promise<DeletionReceipt> | undefined;
}

/**
 * Ends sessions whose entries are revoked.
 *
 * Sessions are ended in batches, however many a user has. Each batch is removed from the index before the next batch
 * begins, so another call after a failure continues from there. This process runs one run at a time for each user.
 */
export class RevokedSessions {
  readonly #config: SessionConfig;
  readonly #asking: Bounds;
  readonly #ackTimeoutMs: number;
  readonly #runs = new Map<string, Run>();

  constructor(config: SessionConfig, asking: Bounds, ackTimeoutMs: number) {
    this.#config = config;
    this.#asking = asking;
    this.#ackTimeoutMs = ackTimeoutMs;
  }

  /** Ends all sessions that the user's index has as revoked. `sids` are the first of them, up to `ENDED_AT_ONCE`. */
  async endAll(userId: string, sids: readonly string[]): Promise<DeletionReceipt> {
    if (sids.length === 0) return new DeletionTally().receipt();
    const run = this.#runs.get(userId);
    if (!run) return this.#start(userId, sids);
    const since = run.tally.receipt();
    // The run may have read its last batch before these sessions were revoked. The next run finds them.
    run.next ??= run.settled.then(() => this.#start(userId, undefined));
    const next = await run.next;
    return sumOf(run.tally.receipt(since), next);
  }

  /** Ends these sessions. Their entries must be revoked already. */
  async endSome(userId: string, sids: readonly string[], tally: DeletionTally): Promise<void> {
    const nodes = this.#nodes(tally);
    for (const some of chunks(sids, ENDED_AT_ONCE)) await this.#end(userId, some, tally, nodes);
  }

  /**
   * Makes the nodes end the user's sessions that have connections there and that the index lacks. Does not wait again
   * for nodes that were silent before.
   */
  async endLost(
    userId: string,
    except: string | undefined,
    { silentNodes }: DeletionReceipt,
  ): Promise<DeletionReceipt> {
    const tally = new DeletionTally();
    for (const nodeId of silentNodes) tally.silentNodes.add(nodeId);
    const lost: LostSessions = { userId, except: except && digestOf(except) };
    for (const closed of await this.#nodes(tally).ask(END_LOST_SESSIONS, lost))
      tally.connectionsClosed += closed as number;
    return tally.receipt();
  }

  #start(userId: string, first: readonly string[] | undefined): Promise<DeletionReceipt> {
    const tally = new DeletionTally();
    const ended = this.#drain(userId, first, tally).finally(() => {
      if (this.#runs.get(userId) === run) this.#runs.delete(userId);
    });
    const run: Run = { tally, settled: ended.catch(() => {}), next: undefined };
    this.#runs.set(userId, run);
    return ended.then(() => tally.receipt());
  }

  async #drain(userId: string, first: readonly string[] | undefined, tally: DeletionTally): Promise<void> {
    const { index } = this.#config;
    const nodes = this.#nodes(tally);
    let sids = first ?? (await index.revoked(userId, ENDED_AT_ONCE));
    while (sids.length > 0) {
      await this.#end(userId, sids, tally, nodes);
      if (sids.length < ENDED_AT_ONCE) return;
      sids = await index.revoked(userId, ENDED_AT_ONCE);
    }
  }

  async #end(
    userId: string,
    sids: readonly string[],
    tally: DeletionTally,
    nodes: AskedNodes,
  ): Promise<void> {
    const { index, store, userIdOf, bounds } = this.#config;
    const [done, own]: [string[], string[]] = [[], []];
    const removing = bounds.lane.each(sids, async (sid) => {
      const found = await readable(store.read(sid));
      // The entry may be a leftover, and its session may belong to another user now.
      // A session that does not exist may belong to a login in progress.
      if (!found || userIdOf(found.data) === userId) {
        await store.remove(sid);
        own.push(sid);
        if (found) tally.sessionsDeleted++;
      }
      done.push(sid);
    });
    const failure = await removing.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (own.length > 0) debugDeletion(own.length);
    // The nodes are told after the sessions are gone. So a connection that opens meanwhile finds its session gone.
    if (own.length > 0) {
      const ended: EndedSessions = { sessions: own.map(digestOf), reason: "session_ended", at: Date.now() };
      for (const closed of await nodes.ask(END_SESSIONS, ended)) tally.connectionsClosed += closed as number;
    }
    // The entries are removed last. Until then, another call after a failure still finds the sessions.
    await index.removeRevoked(userId, done);
    if (failure) throw failure.error;
  }

  #nodes(tally: DeletionTally): AskedNodes {
    const { node } = this.#config;
    return new AskedNodes(node, this.#asking, this.#ackTimeoutMs, { silent: tally.silentNodes });
  }
}
