/** The parts of a page that the client uses. A worker has no document, and Node has none of these parts. */
interface Page extends Target {
  readonly document?: Target & { readonly visibilityState: string };
  readonly navigator?: { readonly onLine?: boolean };
}

type Listen = (type: string, listener: () => void) => void;
type Target = Partial<Record<"addEventListener" | "removeEventListener", Listen>>;

const page = globalThis as Page;

/** Whether there is certainly no network. */
export function isOffline(): boolean {
  return page.navigator?.onLine === false;
}

/**
 * Calls `onBack` when the page becomes visible again or the network is back, and `onOffline` when the network is gone.
 * It does so until the returned function is called.
 */
export function followPage(onBack: () => void, onOffline: () => void): () => void {
  const { document } = page;
  const onVisibility = () => {
    if (document?.visibilityState === "visible") onBack();
  };
  const followed: [Target | undefined, string, () => void][] = [
    [document, "visibilitychange", onVisibility],
    // This happens when a page comes out of the back/forward cache.
    [page, "pageshow", onBack],
    [page, "online", onBack],
    [page, "offline", onOffline],
  ];
  const callEach = (method: keyof Target) => {
    for (const [target, type, listener] of followed) target?.[method]?.(type, listener);
  };
  callEach("addEventListener");
  return () => callEach("removeEventListener");
}
