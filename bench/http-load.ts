import autocannon from "autocannon";
import { percentile } from "./report.ts";

export interface Load {
  url: string;
  /** One `Cookie` header for each session. */
  cookies: string[];
  /** Either for a time or for a number of requests. */
  seconds?: number;
  amount?: number;
}

export interface LoadFigures {
  requests: number;
  requestsPerSecond: number;
  p99Ms: number;
}

const connections = 20;

/**
 * Sends requests as fast as the server answers, and throws when one is not answered with 2xx.
 *
 * Each connection has sessions of its own, so that two requests never change the same one at once.
 */
export async function httpLoad({ url, cookies, seconds, amount }: Load): Promise<LoadFigures> {
  const latenciesMs: number[] = [];
  let started = 0;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url,
        connections,
        ...(amount === undefined ? { duration: seconds ?? 1 } : { amount }),
        setupClient: (client) => {
          const own = started++;
          client.setRequests(
            cookies
              .filter((_, index) => index % connections === own % connections)
              .map((cookie) => ({ method: "GET", headers: { cookie } })),
          );
        },
      },
      (error, figures) => (error ? reject(error) : resolve(figures)),
    );
    // autocannon's own histogram knows whole milliseconds only.
    instance.on("response", (_client, _status, _bytes, responseMs) => latenciesMs.push(responseMs));
  });

  const { errors, non2xx, mismatches, requests, duration } = result;
  if (errors + non2xx + mismatches > 0 || requests.total === 0) {
    throw new Error(
      `${url}: ${requests.total} responses, ${non2xx} not 2xx, ${errors} errors, ${mismatches} mismatches`,
    );
  }
  return {
    requests: requests.total,
    requestsPerSecond: requests.total / duration,
    p99Ms: percentile(latenciesMs, 0.99),
  };
}
