import type { Backend } from "../../lib/index.ts";
import { connect, places, serve } from "./support.ts";

// Once a node that was closed stayed listed among those with connections, until another node looked.
describe.each(places)("on $place, a node that is closed", ({ open }) => {
  async function closedNode(graceMs: number): Promise<Backend> {
    const backend = await open();
    const served = await serve({ backend, realtime: { graceMs } });
    await connect(served, "ada");
    await connect(served, "grace");
    expect(await backend.registry.nodes()).toEqual([backend.node.id]);
    await served.wsSessions.close();
    return backend;
  }

  it("leaves nothing of its connections, nor itself", async () => {
    const { registry } = await closedNode(0);
    expect(await registry.nodes()).toEqual([]);
    expect(await registry.ofUser("ada")).toEqual([]);
  });

  it("stays listed while users are leaving, whom other nodes then tell of as offline", async () => {
    const { registry, node } = await closedNode(600_000);
    expect(await registry.nodes()).toEqual([node.id]);
    expect(await registry.online(["ada", "grace", "joan"])).toEqual([true, true, false]);
  });
});
