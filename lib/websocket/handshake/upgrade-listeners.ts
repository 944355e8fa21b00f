import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { asksForWebSocket } from "./handshake.ts";

type IsMine = (req: IncomingMessage) => boolean;

/** The `handleUpgrade` functions of this package, each with its check of a request's path. */
const handlers = new WeakMap<object, IsMine>();

/** Which `handleUpgrade` answers a request, and the state of the line at that moment. */
interface Claim {
  readonly by: object;
  readonly readers: number;
  readonly written: number;
}

const claims = new WeakMap<IncomingMessage, Claim>();

/** The HTTP server of a request, if it has one. The stream for an upgrade need not be the line, which knows the server. */
export function serverOf(req: IncomingMessage, socket: Duplex): EventEmitter | undefined {
  const [stream, line] = [socket, req.socket] as { server?: EventEmitter }[];
  return stream?.server ?? line?.server;
}

/**
 * One `handleUpgrade` among the upgrade listeners of servers. It decides which requests to answer, and leaves those that
 * another listener has answered. It reports a conflict once for each server.
 */
export class UpgradeListener {
  readonly #handleUpgrade: object;
  readonly #isMine: IsMine;
  readonly #report: (error: Error, req: IncomingMessage) => void;
  readonly #where: string;
  readonly #told = new WeakSet<object>();

  constructor(
    handleUpgrade: object,
    path: string | undefined,
    isMine: IsMine,
    report: (error: Error, req: IncomingMessage) => void,
  ) {
    this.#handleUpgrade = handleUpgrade;
    this.#isMine = isMine;
    this.#report = report;
    this.#where = path === undefined ? "every path" : `the path ${JSON.stringify(path)}`;
    handlers.set(handleUpgrade, isMine);
  }

  /** Whether the server itself calls `handleUpgrade`, and not a listener of the app. */
  isCalledByServer(req: IncomingMessage, socket: Duplex): boolean {
    return Boolean(
      serverOf(req, socket)
        ?.listeners("upgrade")
        .includes(this.#handleUpgrade as never),
    );
  }

  /**
   * Answers a request if it belongs to this listener. A handshake for its path is taken at once, unless another listener
   * was first. Any other request is taken after all other listeners were called, if none of them has taken it.
   */
  receive(req: IncomingMessage, socket: Duplex, answer: () => void): void {
    if (this.#isMine(req) && asksForWebSocket(req)) {
      if (this.#take(req, socket)) answer();
    } else if (this.#isMine(req) || this.#mayRefuse(req, socket)) {
      const readers = readersOf(socket);
      queueMicrotask(() => {
        if (claims.has(req) || isAnswered(socket) || readersOf(socket) > readers) return;
        this.#claim(req, socket);
        answer();
      });
    }
  }

  #take(req: IncomingMessage, socket: Duplex): boolean {
    const claim = claims.get(req);
    if (claim) {
      this.#tell(req, socket, claim.by === this.#handleUpgrade ? mountedTwice() : sharedPath(this.#where));
      return false;
    }
    if (isAnswered(socket)) {
      this.#tell(req, socket, answeredElsewhere(this.#where));
      return false;
    }
    this.#claim(req, socket);
    return true;
  }

  #claim(req: IncomingMessage, socket: Duplex): void {
    claims.set(req, { by: this.#handleUpgrade, readers: readersOf(socket), written: writtenOn(socket) });
  }

  /** Whether a listener of another package has answered a request that was taken here. */
  isAnsweredElsewhere(req: IncomingMessage, socket: Duplex): boolean {
    const claim = claims.get(req);
    // A listener that has answered in some other way reads and writes the line.
    const hasOther = claim && readersOf(socket) > claim.readers && writtenOn(socket) > claim.written;
    if (!isAnswered(socket) && !hasOther) return false;
    this.#tell(req, socket, answeredElsewhere(this.#where));
    return true;
  }

  /**
   * Whether this handler may refuse a request for another path. All upgrade listeners of the server must be handlers of
   * this package, none of them may want the request, and this one must be the first.
   */
  #mayRefuse(req: IncomingMessage, socket: Duplex): boolean {
    const listeners: object[] = serverOf(req, socket)?.listeners("upgrade") ?? [];
    // A listener of the app has called this handler, and so has handed the request over.
    if (!listeners.includes(this.#handleUpgrade)) return true;
    if (listeners.some((listener) => handlers.get(listener)?.(req) ?? true)) return false;
    return listeners[0] === this.#handleUpgrade;
  }

  #tell(req: IncomingMessage, socket: Duplex, trouble: string): void {
    const server = serverOf(req, socket) ?? this;
    if (this.#told.has(server)) return;
    this.#told.add(server);
    this.#report(new Error(trouble), req);
  }
}

/** Whether a line was answered: it was ended, or any copy of ws has made a WebSocket of it. */
function isAnswered(socket: Duplex): boolean {
  return (
    socket.writableEnded ||
    Object.getOwnPropertySymbols(socket).some(
      (symbol) => symbol.description === "websocket" && (socket as never)[symbol] !== undefined,
    )
  );
}

/** The number of readers of a line. Node itself stops reading when it upgrades the line. */
function readersOf(socket: Duplex): number {
  return socket.listenerCount("data") + socket.listenerCount("readable");
}

function writtenOn(socket: Duplex): number {
  return (socket as { bytesWritten?: number }).bytesWritten ?? 0;
}

function mountedTwice(): string {
  return (
    "webSocketSessions: handleUpgrade was called twice for one handshake; the second call was ignored. " +
    'Add it to a server once: remove the other server.on("upgrade", …) that calls it.'
  );
}

function sharedPath(where: string): string {
  return (
    `webSocketSessions: another webSocketSessions of this server has already taken a handshake for ${where}, and ` +
    "answers it alone. Give each a path of its own, or use one of them for both."
  );
}

function answeredElsewhere(where: string): string {
  return (
    `webSocketSessions: another "upgrade" listener of this server has answered a handshake for ${where}, which was ` +
    "left to it. Let each path have one who answers: give webSocketSessions a path, and have the other one leave that " +
    "alone; ws does with { noServer: true } and a listener that looks at the path."
  );
}
