const BACK_OFF_MS = { first: 500, longest: 10_000 };

/** What a close means to a reader; any other code is shown as it is. */
const CLOSE_MEANINGS = {
  1006: "The connection broke.",
  1011: "The server ran into an error.",
  1012: "The server is restarting.",
  4009: "The session has a new id.",
  4501: "The session was signed out or has expired.",
};

/** The page's WebSocket, which comes back by itself unless its close says that it may not. */
export class Line {
  #webSocket;
  #failures = 0;
  #retry;
  #on;

  /** `on.state(state, text)` and `on.event(event)` tell of what happens, `on.ended()` that it does not come back. */
  constructor(on) {
    this.#on = on;
  }

  get isOpen() {
    return this.#webSocket?.readyState === WebSocket.OPEN;
  }

  /** Whether it is neither open nor about to be. */
  get isClosed() {
    return this.#webSocket === undefined || this.#webSocket.readyState >= WebSocket.CLOSING;
  }

  /** Opens the connection, in place of the one there is: a connection has the session of its handshake. */
  connect() {
    clearTimeout(this.#retry);
    this.#webSocket?.close(1000);
    const opening = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
    this.#webSocket = opening;
    this.#on.state("connecting", "connecting");

    // One that was replaced meanwhile has nothing to say any more.
    const listen = (type, listener) => {
      opening.addEventListener(type, (event) => {
        if (opening === this.#webSocket) listener(event);
      });
    };
    listen("open", () => {
      this.#failures = 0;
      this.#on.state("open", "open");
    });
    listen("message", ({ data }) => this.#on.event(JSON.parse(data)));
    listen("close", ({ code, reason }) => this.#closed(code, reason));
  }

  send(type, data = {}) {
    this.#webSocket.send(JSON.stringify({ event_type: type, data }));
  }

  #closed(code, reason) {
    const cause = `closed with ${code} ${reason}`.trim();
    const text = `${cause}. ${CLOSE_MEANINGS[code] ?? ""}`.trim();
    // The range of the code says whether to come back.
    if (code >= 4500 && code <= 4999) {
      this.#on.state("closed", text);
      this.#on.ended();
      return;
    }
    const delayMs = Math.min(BACK_OFF_MS.first * 2 ** this.#failures, BACK_OFF_MS.longest);
    this.#failures += 1;
    this.#on.state("closed", `${text} Trying again.`);
    // Not all pages at the same moment, after a restart of the server.
    this.#retry = setTimeout(() => this.connect(), delayMs * (0.5 + Math.random()));
  }
}
