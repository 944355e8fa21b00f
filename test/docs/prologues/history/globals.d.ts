import type * as stack from "express-session-stack";

declare global {
  const realtime: typeof stack.realtime;
  const chat: stack.Realtime;
}
