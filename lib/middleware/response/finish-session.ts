import type { Request, Response } from "express";
import { isSessionDeleted } from "../../errors.ts";
import type { SessionRecord } from "../../sessions/record/session-record.ts";
import { SEEN_MS } from "../cookies/carried-cookie.ts";
import { briefly, debugSession, isDebugged } from "../debug-session.ts";
import type { OpenSession } from "../open-session.ts";
import type { SessionKeeper } from "../session-keeper.ts";

/**
 * Does what is due for the session when its response ends: saves it, touches it, destroys it, has a look whether its
 * cookie may be sent, or nothing, which is `undefined`, so that most responses wait for nothing.
 *
 * Rejects if what the app has changed could not be stored.
 */
export function finishSession(
  keeper: SessionKeeper,
  open: OpenSession,
  req: Request,
  res: Response,
): Promise<unknown> | undefined {
  const failed = (error: unknown) => {
    // The cookie waits for the next response.
    debugSession(req, `not looked at: ${briefly(error)}`);
    keeper.errors.report(error, req);
  };
  const settling = settleSession(keeper, open, req, res);
  // What is told of a save may take its time, and a touch does not tell whether the session is there.
  return settling
    ? settling.then(() => open.verifyCookie(SEEN_MS)?.catch(failed))
    : open.verifyCookie()?.catch(failed);
}

function settleSession(
  keeper: SessionKeeper,
  open: OpenSession,
  req: Request,
  res: Response,
): Promise<unknown> | undefined {
  const { config } = keeper;
  const { record, lastRecord, ending } = open;
  // An end that the handler did not wait for: the client is not told of it before it is true.
  if (ending) return ending.then(() => finishSession(keeper, open, req, res));
  if (req.session == null && config.unset === "destroy" && lastRecord && !lastRecord.hasEnded) {
    return open.end(lastRecord, "session_ended");
  }
  // A save that the handler did not wait for: only after it is known what is left to save.
  if (record?.saving) {
    return record.saving.then(() => {
      if (!isLost(record.failure) || res.statusCode >= 400) return finishSession(keeper, open, req, res);
      open.abandonUnsure();
      throw record.failure;
    });
  }
  if (record?.failure !== undefined && !record.hasEnded) {
    // The app was told, and what it answers is its own: saved by itself, a change would be kept that it reports as lost.
    debugSession(req, "not saved: a save has failed before");
    if (res.statusCode < 400) keeper.errors.report(record.failure, req);
  }
  open.abandonUnsure();
  if (!record || record.hasEnded || record.failure !== undefined || !open.hasId) return undefined;
  if (config.saveUnless(res)) {
    if (isDebugged() && record.hasChanges())
      debugSession(req, "not saved: saveUnless leaves this response out");
    return undefined;
  }
  const isModified = record.hasChanges();
  if (isModified || isSaveDue(keeper, open, record)) {
    const obstacle = open.obstacleTo(record);
    if (!obstacle) return saveUnlessDeleted(keeper, open, record, isModified);
    debugSession(req, `not saved: a new session without a cookie, ${obstacle}`);
    // One with nothing in it is no loss.
    if (isModified) keeper.reportNotCarried(obstacle, req);
    return undefined;
  }
  if (record.wasSaved) keeper.touchWindow.touched(record.session.id);
  if (!record.isStored || !open.isCarried(record)) return undefined;
  return touchIfDue(keeper, open, record, req);
}

/** The response does not depend on it: a session that could not be touched was still rightly read. */
function touchIfDue(
  keeper: SessionKeeper,
  open: OpenSession,
  record: SessionRecord,
  req: Request,
): Promise<void> | undefined {
  const failed = (error: unknown) => {
    debugSession(req, `not touched: ${briefly(error)}`);
    keeper.errors.report(error, req);
  };
  try {
    if (!isTouchDue(keeper, open, record)) return undefined;
    return record
      .refresh()
      .then(() => debugSession(req, record.hasEnded ? "not touched: it has ended" : "touched"), failed);
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** Whether a session that holds no changes is to be saved all the same. */
function isSaveDue({ config }: SessionKeeper, open: OpenSession, record: SessionRecord): boolean {
  if (record.isStored) return config.resave && !record.wasSaved;
  return config.saveUninitialized || open.isReplacement;
}

function isTouchDue(
  { touchWindow, config }: SessionKeeper,
  open: OpenSession,
  { session }: SessionRecord,
): boolean {
  session.touch();
  return touchWindow.enter(session.id, config.store.lifeMs(session as never), open);
}

/** Whoever ended the session meant it to stay ended: that the request cannot save is no failure of the request. */
async function saveUnlessDeleted(
  { touchWindow }: SessionKeeper,
  open: OpenSession,
  record: SessionRecord,
  isModified: boolean,
): Promise<void> {
  try {
    await open.write(record, { isModified, isLast: true });
    touchWindow.touched(record.session.id);
  } catch (error) {
    if (!isLost(error)) return;
    open.abandonUnsure();
    throw error;
  }
}

/** Whether a save has failed by which changes are lost that nobody meant to be. */
function isLost(failure: unknown): boolean {
  return failure !== undefined && !isSessionDeleted(failure);
}
