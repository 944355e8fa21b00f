import type { Backend } from "../../lib/index.ts";
import { connect, places, serve } from "./support.ts";

// Once, a closed node stayed listed as a node with connections until another node checked it.
describe.each(places)("on $place, a closed node", ({ open }) => {
  async function closedNode(graceMs: number): Promise<Backend> {
    const backend = await open();
    const served = await serve({ backend, realtime: { graceMs } });
    await connect(served, "ada");
    await connect(served, "grace");
    expect(await backend.registry.nodes()).toEqual([backend.node.id]);
    await served.wsSessions.close();
    return backend;
  }

  it("leaves neither its connections nor its own entry", async () => {
    const { registry } = await closedNode(0);
    expect(await registry.nodes()).toEqual([]);
    expect(await registry.ofUser("ada")).toEqual([]);
  });

  it("stays listed while its users are leaving, and other nodes then report them as offline", async () => {
    const { registry, node } = await closedNode(600_000);
    expect(await registry.nodes()).toEqual([node.id]);
    expect(await registry.online(["ada", "grace", "joan"])).toEqual([true, true, false]);
  });
});
