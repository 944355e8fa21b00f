import type { Response } from "express";
import type { Answer } from "../admission/answer.ts";

/** What a lazy response stands for. */
interface Lazy {
  readonly answer: Answer;
}

/** All is the response's own, which is made with the first look at it. Its methods find it and not what stands for it. */
const HANDLER: ProxyHandler<Lazy> = {
  get({ answer: { res } }, name) {
    const member: unknown = Reflect.get(res, name);
    return typeof member === "function" ? member.bind(res) : member;
  },
  set: ({ answer: { res } }, name, value) => Reflect.set(res, name, value),
  has: ({ answer: { res } }, name) => Reflect.has(res, name),
  deleteProperty: ({ answer: { res } }, name) => Reflect.deleteProperty(res, name),
  defineProperty: ({ answer: { res } }, name, is) => Reflect.defineProperty(res, name, is),
  getPrototypeOf: ({ answer: { res } }) => Reflect.getPrototypeOf(res),
};

/**
 * The response to a handshake, for who may or may not want one. Whether a function of the app looks at its second
 * argument, its `length` does not say; and most let a handshake in without.
 */
export function lazyResponse(answer: Answer): Response {
  return answer.made ?? (new Proxy<Lazy>({ answer }, HANDLER) as unknown as Response);
}
