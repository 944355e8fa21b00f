import type { Request } from "express";
import { z } from "zod";

/** Text as people type it into a form. */
export const password = z.string().min(1).max(128);
export const userName = z.string().trim().toLowerCase().min(1).max(128);

/** The body of a request, if it is what the schema says; else a 400 that says `expected`. */
export function checkedBody<Body>(req: Request, schema: z.ZodType<Body>, expected: string): Body {
  const { success, data } = schema.safeParse(req.body);
  if (!success) throw Object.assign(new Error(expected), { status: 400 });
  return data;
}
