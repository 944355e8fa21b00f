import { afterThisTest } from "../websocket/support.ts";

/** The parts of a browser page that the client uses. It counts the listeners. */
export class Page {
  visibilityState = "visible";
  onLine = true;
  readonly #listeners: [string, () => void][] = [];

  addEventListener(type: string, listener: () => void): void {
    this.#listeners.push([type, listener]);
  }

  removeEventListener(type: string, listener: () => void): void {
    const at = this.#listeners.findIndex(([ofType, known]) => ofType === type && known === listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  emit(type: string): void {
    for (const [ofType, listener] of [...this.#listeners]) if (ofType === type) listener();
  }

  get count(): number {
    return this.#listeners.length;
  }
}

const NAMES = ["document", "navigator", "addEventListener", "removeEventListener"] as const;

/** Sets the globals of a page until the end of the test. */
export function openPage(): Page {
  const page = new Page();
  const before = NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  const values = [page, page, page.addEventListener.bind(page), page.removeEventListener.bind(page)];
  for (const [index, name] of NAMES.entries())
    Object.defineProperty(globalThis, name, { value: values[index], configurable: true, writable: true });
  afterThisTest(() => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  });
  return page;
}
