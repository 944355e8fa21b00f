import { EventEmitter } from "node:events";
import { type ServerOptions, WebSocket } from "ws";

/** How long a client may take to answer a close before its connection is cut. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * ws's WebSocket, with two differences: once its session has ended, the app hears no more of the client,
 * also if the client goes on sending; and what a listener throws, or rejects with, ends this connection
 * and not the process.
 */
export class SessionWebSocket extends WebSocket {
  static {
    // Where EventEmitter, told to capture rejections, hands them.
    Object.defineProperty(SessionWebSocket.prototype, EventEmitter.captureRejectionSymbol, {
      value(this: SessionWebSocket, error: unknown) {
        this.#fail(error);
      },
    });
  }

  #isMuted = false;
  #onFailure: ((error: unknown) => void) | undefined;

  constructor(address: null, protocols: undefined, options: ServerOptions) {
    // @ts-expect-error: ws's types leave out the options that a server's side is made with.
    super(address, protocols, options);
    // ws does not pass options on to its base class, whose constructor may be called again for them.
    (EventEmitter as unknown as (this: EventEmitter, options: object) => void).call(this, {
      captureRejections: true,
    });
  }

  /** Where failures of listeners go. */
  followFailures(onFailure: (error: unknown) => void): void {
    this.#onFailure = onFailure;
  }

  /** Lets no further message reach a listener. */
  mute(): void {
    this.#isMuted = true;
  }

  /** Closes for good: nothing that still comes in reaches a listener, and a client that does not answer is cut off. */
  end(code: number, reason: string): void {
    this.mute();
    this.close(code, reason);
    setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (this.#isMuted && event === "message") return false;
    try {
      return super.emit(event, ...args);
    } catch (error) {
      this.#fail(error);
      return true;
    }
  }

  #fail(error: unknown): void {
    if (this.#onFailure) this.#onFailure(error);
    else throw error;
  }
}
