import type { Request } from "express";

/** What a session holds but for its cookie. */
export function contents(req: Request): Record<string, unknown> {
  const { cookie: _, ...rest } = JSON.parse(JSON.stringify(req.session)) as Record<string, unknown>;
  return rest;
}

export function set(req: Request, values: object): void {
  Object.assign(req.session, values);
}
