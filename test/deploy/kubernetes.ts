import { pathToFileURL } from "node:url";
import { snippet } from "./docs.ts";
import { installed } from "./installed.ts";

/** What docs/production.md has a cluster do. */
export interface Deployment {
  replicas: number;
  /** From the begin of `preStop` to SIGKILL. */
  graceMs: number;
  /** The command that runs before SIGTERM. */
  preStop: readonly string[];
  readiness: { path: string; port: number };
  containerPort: number;
  env: Record<string, string>;
  labels: { selected: unknown; given: unknown };
}

interface Manifest {
  kind: string;
  spec: { replicas: number; selector: { matchLabels: unknown }; template: Template };
}

interface Template {
  metadata: { labels: unknown };
  spec: {
    terminationGracePeriodSeconds: number;
    containers: {
      env: { name: string; value: string }[];
      ports: { containerPort: number }[];
      readinessProbe: { httpGet: { path: string; port: number } };
      lifecycle: { preStop: { exec: { command: string[] } } };
    }[];
  };
}

/** Reads the YAML of the docs by a parser of YAML. */
export async function deployment(): Promise<Deployment> {
  const { folder, remove } = await installed("js-yaml@4.1.0");
  try {
    const { load } = await import(pathToFileURL(`${folder}/node_modules/js-yaml/dist/js-yaml.mjs`).href);
    const { kind, spec } = load(snippet("yaml", "kind: Deployment")) as Manifest;
    const { metadata, spec: pod } = spec.template;
    const [container, ...more] = pod.containers;
    if (kind !== "Deployment" || !container || more.length > 0) throw new Error("one container is expected");
    const [{ containerPort } = { containerPort: 0 }] = container.ports;
    return {
      replicas: spec.replicas,
      graceMs: pod.terminationGracePeriodSeconds * 1_000,
      preStop: container.lifecycle.preStop.exec.command,
      readiness: container.readinessProbe.httpGet,
      containerPort,
      env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
      labels: { selected: spec.selector.matchLabels, given: metadata.labels },
    };
  } finally {
    await remove();
  }
}
