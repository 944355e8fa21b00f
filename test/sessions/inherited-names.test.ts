import { data, places, serve } from "../users/support.ts";

/** Names that every object inherits, `__proto__` among them, which assignments do not set. */
const names = Object.getOwnPropertyNames(Object.prototype);

describe.each(places)("Session data under names that any object has, on $place", ({ open }) => {
  async function start() {
    return serve({
      backend: await open(),
      routes(app) {
        app.post("/keep/:name/:value", (req, res) => {
          const { name, value } = req.params;
          Object.defineProperty(data(req), name, {
            value: { value },
            writable: true,
            enumerable: true,
            configurable: true,
          });
          res.end();
        });
        app.post("/drop/:name", (req, res) => {
          delete data(req)[req.params.name];
          res.end();
        });
        app.get("/kept", (req, res) => {
          const { cookie: _, ...kept } = { ...req.session };
          res.json({
            entries: Object.entries(kept),
            isSession: typeof req.session.regenerate === "function",
          });
        });
      },
    });
  }

  test.each(names)(
    "%s is saved, merged, read on a connection and deleted like any other name",
    async (name) => {
      const { browser, opened } = await start();
      const visitor = browser();
      const kept = async () => (await visitor.get("/kept")).json();
      await visitor.post("/set", { json: { other: 1 } });
      await Promise.all([visitor.post(`/keep/${name}/a`), visitor.post("/set", { json: { another: 2 } })]);
      const entries = [
        ["other", 1],
        ["another", 2],
        [name, { value: "a" }],
      ];
      const all = { entries: expect.arrayContaining(entries), isSession: true };
      expect(await kept()).toEqual(all);
      await visitor.webSocket("/ws");
      const { req } = opened[0] as (typeof opened)[0];
      expect(Object.entries(req.session)).toEqual(expect.arrayContaining(entries));
      await visitor.post(`/keep/${name}/b`);
      await req.session.save();
      expect(Object.entries(req.session)).toContainEqual([name, { value: "b" }]);
      await visitor.post(`/drop/${name}`);
      expect(await kept()).toEqual({ entries: expect.arrayContaining(entries.slice(0, 2)), isSession: true });
      expect(({} as { value?: unknown }).value).toBeUndefined();
    },
  );
});
