/** For what is to be answered, on a machine that stands still now and then; a test that is about time sets its own. */
export const timeoutMs = 10_000;
