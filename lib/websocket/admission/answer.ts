import { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Application, Request, Response } from "express";

type Line = Parameters<ServerResponse["assignSocket"]>[0];
const NO_LINES: readonly string[] = [];

type MadeListener = (res: Response) => void;

/**
 * The response to a handshake by anybody but ws: by a middleware, by `authorize`, or by a refusal. Most handshakes have
 * no such response, and none outlives its handshake: so it is made when it is asked for.
 */
export class Answer {
  readonly #req: Request;
  readonly #socket: Line | undefined;
  readonly #onMade: MadeListener[] = [];
  #res: Response | undefined;

  /** Without a socket, nobody is sent what is written to it. */
  constructor(req: Request, socket?: Duplex) {
    this.#req = req;
    this.#socket = socket as Line | undefined;
  }

  /** Whether an earlier request of the same line is still being answered, so that nothing else may be. */
  get isLineTaken(): boolean {
    return Boolean((this.#socket as { _httpMessage?: unknown } | undefined)?._httpMessage);
  }

  /** The response, if anybody has asked for it. */
  get made(): Response | undefined {
    return this.#res;
  }

  /** The response, with Express's own methods; the line is closed after it. */
  get res(): Response {
    if (this.#res) return this.#res;
    const res = expressResponse(this.#req);
    this.#res = res;
    if (this.#socket) answerOn(this.#socket, res);
    for (const listener of this.#onMade) listener(res);
    return res;
  }

  /** Calls a listener with the response once it is made: at once, if it is. */
  whenMade(listener: MadeListener): void {
    if (this.#res) listener(this.#res);
    else this.#onMade.push(listener);
  }

  /** Leaves the line to ws, with the cookies that are to be set. */
  handOver(): readonly string[] {
    if (!this.#res || !this.#socket) return NO_LINES;
    this.#res.detachSocket(this.#socket);
    return [this.#res.getHeader("Set-Cookie") ?? []].flat().map(String);
  }
}

/** Lets a response be written to the line, and closes the line after it. */
function answerOn(line: Line, res: Response): void {
  res.setHeader("Connection", "close");
  res.assignSocket(line);
  res.once("finish", () => {
    res.detachSocket(line);
    line.destroySoon();
  });
}

/** What Express makes of Node's response. */
function expressResponse(req: Request): Response {
  const { response } = req.app as Application & { readonly response: object };
  const res = Object.setPrototypeOf(new ServerResponse(req), response) as Response;
  res.req = req;
  res.locals ??= Object.create(null);
  return res;
}
