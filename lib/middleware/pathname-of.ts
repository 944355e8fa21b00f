/** The path of a request's target, without its query. */
export function pathnameOf(target: string): string {
  if (target.startsWith("/")) {
    const query = target.indexOf("?");
    return query < 0 ? target : target.slice(0, query);
  }
  // Absolute form, as proxies send it (RFC 9112, section 3.2.2).
  return URL.canParse(target) ? new URL(target).pathname : "/";
}
