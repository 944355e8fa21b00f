import autocannon from "autocannon";
import { percentile } from "./report.ts";

export interface Load {
  /** One for each node: each gets an equal part of the connections. */
  urls: string[];
  /** One `Cookie` header for each session. */
  cookies: string[];
  /** Requests that are under way at once. @default 20 */
  connections?: number;
  /** Either for a time or for a number of requests. */
  seconds?: number;
  amount?: number;
}

export interface LoadFigures {
  requests: number;
  requestsPerSecond: number;
  p99Ms: number;
}

/**
 * Sends requests as fast as the servers answer, and throws when one is not answered with 2xx.
 *
 * Each connection has sessions of its own, so that two requests never change the same one at once, unless there are
 * fewer sessions than connections.
 */
export async function httpLoad({ urls, connections = 20, amount, ...load }: Load): Promise<LoadFigures> {
  const parts = await Promise.all(
    urls.map((url) =>
      loadOne({
        ...load,
        url,
        connections: connections / urls.length,
        amount: amount === undefined ? undefined : amount / urls.length,
      }),
    ),
  );
  return {
    requests: sum(parts.map(({ requests }) => requests)),
    requestsPerSecond: sum(parts.map(({ requests, seconds }) => requests / seconds)),
    p99Ms: percentile(
      parts.flatMap(({ latenciesMs }) => latenciesMs),
      0.99,
    ),
  };
}

interface LoadOfOne {
  url: string;
  cookies: string[];
  connections: number;
  seconds?: number | undefined;
  amount?: number | undefined;
}

async function loadOne({ url, cookies, connections, seconds, amount }: LoadOfOne) {
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
              .filter((_, index) => index % connections === own % Math.min(connections, cookies.length))
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
  return { requests: requests.total, seconds: duration, latenciesMs };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
