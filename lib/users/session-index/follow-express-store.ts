import type { SessionData, Store } from "express-session";
import { type Callback, callBack, isOfAdapter } from "../../calls/callback.ts";

/** Wraps the calls for one session that an app makes on `req.sessionStore`. */
export interface StoreFollower {
  /** Wraps a `set`. */
  setting(sid: string, data: SessionData, set: () => Promise<void>): Promise<void>;
  /** Wraps a `touch`. */
  touching(sid: string, data: SessionData, touch: () => Promise<void>): Promise<void>;
}

type Call = (sid: string, data: SessionData, callback?: Callback<void>) => unknown;

/** Makes `follower` follow the sessions that an app stores and touches through `req.sessionStore`. */
export function followExpressStore(store: Store, follower: StoreFollower): void {
  const calls = store as unknown as Record<"set" | "touch", Call | undefined>;
  around("set", follower.setting.bind(follower));
  // Some stores have no `touch`.
  if (typeof calls.touch === "function") around("touch", follower.touching.bind(follower));

  function around(name: "set" | "touch", follow: StoreFollower["setting"]): void {
    const original = calls[name] as Call;
    calls[name] = (sid, data, callback) => {
      // The stack itself also calls the store. Those calls are followed where the stack makes them.
      if (callback && isOfAdapter(callback)) return original.call(store, sid, data, callback);
      const call = () =>
        new Promise<void>((resolve, reject) => {
          original.call(store, sid, data, (error) => (error ? reject(error) : resolve()));
        });
      const done = follow(sid, data, call);
      // A call that nobody waits for may fail without ending the process, as with a session's own methods.
      callBack(done, callback);
      return callback ? undefined : done;
    };
  }
}
