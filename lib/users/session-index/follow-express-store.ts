import type { SessionData, Store } from "express-session";
import { type Callback, callBack, isOfAdapter } from "../../calls/callback.ts";

/** What an app asks of `req.sessionStore` about one session, and what is done around it. */
export interface StoreFollower {
  /** Around a `set`. */
  setting(sid: string, data: SessionData, set: () => Promise<void>): Promise<void>;
  /** Around a `touch`. */
  touching(sid: string, data: SessionData, touch: () => Promise<void>): Promise<void>;
}

type Call = (sid: string, data: SessionData, callback?: Callback<void>) => unknown;

/** Has the sessions that an app stores and touches through `req.sessionStore` followed. */
export function followExpressStore(store: Store, follower: StoreFollower): void {
  const calls = store as unknown as Record<"set" | "touch", Call | undefined>;
  around("set", follower.setting.bind(follower));
  // Some stores have none.
  if (typeof calls.touch === "function") around("touch", follower.touching.bind(follower));

  function around(name: "set" | "touch", follow: StoreFollower["setting"]): void {
    const original = calls[name] as Call;
    calls[name] = (sid, data, callback) => {
      // What the stack itself asks of the store is followed where it is asked.
      if (callback && isOfAdapter(callback)) return original.call(store, sid, data, callback);
      const call = () =>
        new Promise<void>((resolve, reject) => {
          original.call(store, sid, data, (error) => (error ? reject(error) : resolve()));
        });
      const done = follow(sid, data, call);
      // As with a session's own methods, one that nobody waits for may fail without ending the process.
      callBack(done, callback);
      return callback ? undefined : done;
    };
  }
}
