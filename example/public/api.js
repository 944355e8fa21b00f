import { showProblem } from "./toasts.js";

let onSignedOut = () => {};

/** What to do once the server says that nobody is signed in. */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

/** Asks the server; gives what it answered, or undefined once the problem is shown. */
export async function ask(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      headers: body && { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response.status === 204 ? {} : await response.json();
    const { error } = await response.json();
    if (response.status !== 401 || !onSignedOut()) showProblem(error);
  } catch {
    showProblem("The server does not answer.");
  }
  return undefined;
}
