import createDebug from "debug";

/** Captures the output of `DEBUG` until it is stopped. */
export function captureDebug(namespaces: string): { lines: string[]; stop(): void } {
  const lines: string[] = [];
  const before = createDebug.disable();
  const written = jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  createDebug.enable(namespaces);
  return {
    lines,
    stop() {
      createDebug.enable(before);
      written.mockRestore();
    },
  };
}
