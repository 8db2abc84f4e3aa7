// The packed SDK in Chromium: a page of another origin, bundled as people do it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { launch } from "../../../../tools/browser/browser.mjs";
import { ownerToken, tenant, url } from "./server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
let browser, pages, page;

before(async () => {
  const { outputFiles } = await build({
    entryPoints: [`${here}/page.mjs`],
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    write: false,
  });
  pages = createServer(({ url: path }, response) => {
    const [type, body] =
      path === "/page.js"
        ? ["text/javascript", outputFiles[0].text]
        : ["text/html", '<!doctype html><title>Test</title><script type="module" src="/page.js"></script>'];
    response.writeHead(200, { "content-type": type }).end(body);
  });
  await new Promise((resolve) => pages.listen(0, "localhost", resolve));
  browser = await launch();
  page = await browser.newPage();
  await page.goto(`http://localhost:${pages.address().port}/`);
  await page.waitForFunction(() => "sdk" in globalThis);
});

after(async () => {
  await browser?.close();
  pages?.close();
  pages?.closeAllConnections();
});

for (const [protocol, type] of [["connect", "application/proto"], ["grpc-web", "application/grpc-web+proto"]]) {
  describe(protocol, () => {
    const call = (name, options) => page.evaluate(([name, options]) => globalThis.sdk[name](options), [name, { url, protocol, ...options }]);

    test("a token", async () => {
      const [request, user] = await Promise.all([
        page.waitForRequest((sent) => sent.method() === "POST" && sent.url().endsWith("/GetMyUser")),
        call("whoAmI", { token: ownerToken }),
      ]);
      assert.ok(user);
      assert.equal(request.headers()["content-type"], type);
      assert.ok(!request.url().includes(ownerToken));
    });

    test("a key, at a tenant under localhost", async () => {
      const its = await tenant(`browser-${protocol}`);
      const key = new TextDecoder().decode(its.key);
      assert.equal(await call("whoAmI", { url: its.url, key }), "owner");
    });

    test("errors with their id, code and fields", async () => {
      assert.deepEqual(await call("refused", { token: "wrong" }), {
        name: "BastideError",
        code: 16,
        id: "auth.token_invalid",
        violations: [],
      });
      const { id, violations, code } = await call("invalid", { token: ownerToken });
      assert.equal(code, 3);
      assert.ok(id);
      assert.deepEqual(violations.map(({ field, rule }) => [field, rule]), [["user_name", "string.min_len"], ["name", "string.min_len"]]);
    });

    test("a list of many pages", async () => {
      const names = await call("many", { token: ownerToken, prefix: `web.${protocol}.` });
      assert.equal(names.length, 5);
      assert.equal(new Set(names).size, 5);
    });

    test("no server", async () => {
      const { name, code } = await call("refused", { url: "http://localhost:1", token: "t", retry: { firstDelayMs: 0 } });
      assert.deepEqual({ name, code }, { name: "BastideError", code: 14 });
    });
  });
}
