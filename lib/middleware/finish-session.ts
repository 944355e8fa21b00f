import createDebug from "debug";
import type { Request, Response } from "express";
import { isSessionDeleted } from "../errors.ts";
import type { SessionRecord } from "../sessions/session-record.ts";
import type { OpenSession } from "./open-session.ts";
import type { SessionKeeper } from "./session-keeper.ts";

const debug = createDebug("express-session-stack:session");

/**
 * Does what is due for the session when its response ends: saves it, touches it, destroys it, or nothing,
 * which is `undefined`, so that most responses wait for nothing.
 *
 * Rejects if what the app has changed could not be stored.
 */
export function finishSession(
  keeper: SessionKeeper,
  open: OpenSession,
  req: Request,
  res: Response,
): Promise<void> | undefined {
  const { config } = keeper;
  const { record, lastRecord } = open;
  if (req.session == null && config.unset === "destroy" && lastRecord && !lastRecord.hasEnded) {
    return lastRecord.remove("session_ended");
  }
  if (!record || record.hasEnded || config.saveUnless(res)) return undefined;
  // A save that the handler did not wait for: only after it is known what is left to save.
  if (record.saving) return record.saving.then(() => finishSession(keeper, open, req, res));
  const isModified = record.hasChanges();
  if (isModified || isSaveDue(keeper, open, record)) {
    debug("%s %s: saves", req.method, req.path);
    return open.canBeStored(record) ? saveUnlessDeleted(keeper, record, isModified) : undefined;
  }
  if (record.wasSaved) keeper.touchWindow.touched(record.session.id);
  if (!record.isStored || !open.isCarried(record)) return undefined;
  try {
    if (!isTouchDue(keeper, open, record)) return undefined;
    debug("%s %s: touches", req.method, req.path);
    return record.refresh().catch((error) => keeper.errors.report(error, req));
  } catch (error) {
    // The response does not depend on it: a session that could not be touched was still rightly read.
    keeper.errors.report(error, req);
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
  record: SessionRecord,
  isModified: boolean,
): Promise<void> {
  try {
    await record.save({ isModified, isLast: true });
    touchWindow.touched(record.session.id);
  } catch (error) {
    if (!isSessionDeleted(error)) throw error;
  }
}
