import type { Request, Response } from "express";
import { isSessionDeleted } from "../../errors.ts";
import type { SessionRecord } from "../../sessions/record/session-record.ts";
import { SEEN_MS } from "../cookies/carried-cookie.ts";
import { briefly, debugSession, isDebugged } from "../debug-session.ts";
import type { OpenSession } from "../open-session.ts";
import type { SessionKeeper } from "../session-keeper.ts";

/**
 * Does what is due for the session when its response ends. It saves, touches or destroys the session, or checks whether
 * the session's cookie may be sent. It returns `undefined` if nothing is due, so that most responses wait for nothing.
 *
 * Rejects if the app's changes could not be stored.
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
  // Listeners that hear of a save may take long, and a touch does not prove that the session exists.
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
  // The handler did not wait for this end. The client must not be told of it before it has happened.
  if (ending) return ending.then(() => finishSession(keeper, open, req, res));
  if (req.session == null && config.unset === "destroy" && lastRecord && !lastRecord.hasEnded) {
    return open.end(lastRecord, "session_ended");
  }
  // The handler did not wait for this save. Only its result shows what is left to save.
  if (record?.saving) {
    return record.saving.then(() => {
      if (!isLost(record.failure) || res.statusCode >= 400) return finishSession(keeper, open, req, res);
      open.abandonUnsure();
      throw record.failure;
    });
  }
  if (record?.failure !== undefined && !record.hasEnded) {
    // The app knows of the failure and answers it. An automatic save could keep a change that it reports as lost.
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
    // An empty session is no loss.
    if (isModified) keeper.reportNotCarried(obstacle, req);
    return undefined;
  }
  if (record.wasSaved) keeper.touchWindow.touched(record.session.id);
  if (!record.isStored || !open.isCarried(record)) return undefined;
  return touchIfDue(keeper, open, record, req);
}

/** Touches the session if due. A failed touch does not fail the response: the session was read correctly. */
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

/** Whether a session without changes must be saved nevertheless. */
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

/** Whoever ended the session meant it to stay ended. A request that therefore cannot save it has not failed. */
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

/** Whether a failed save has lost changes that nobody meant to lose. */
function isLost(failure: unknown): boolean {
  return failure !== undefined && !isSessionDeleted(failure);
}
