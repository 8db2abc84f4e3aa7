// The package as npm publishes it: what is in it, how it is found, what a bundle keeps of it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
const root = join(here, "../../..");
const tarball = join(root, ".task/bastide-id-client.tgz");
const tool = (name) => join(here, "node_modules/.bin", name);

test("the tarball has what is built, its README and LICENSE, and nothing else", () => {
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  const beside = files.filter((file) => !/^package\/dist\/[\w/-]+\.(js|d\.ts)$/.test(file)).sort();
  assert.deepEqual(beside, ["package/LICENSE", "package/README.md", "package/package.json"]);
  for (const file of files.filter((name) => name.endsWith(".js"))) {
    assert.ok(files.includes(file.replace(/js$/, "d.ts")), file);
  }
  const license = execFileSync("tar", ["-xzOf", tarball, "package/LICENSE"], { encoding: "utf8" });
  assert.equal(license, readFileSync(join(root, "LICENSE"), "utf8"));
});

test("npm would publish it without a warning", () => {
  // The registry is not asked; a version that no one publishes keeps npm from comparing.
  const { status, stderr } = spawnSync("npm", ["publish", "--dry-run", "--loglevel=warn", "--tag=test", tarball], {
    cwd: here,
    encoding: "utf8",
  });
  const warnings = stderr.split("\n").filter((line) => /^npm (warn|error)/i.test(line) && !/Unknown (user|env) config|requires you to be logged in/.test(line));
  assert.deepEqual(warnings, []);
  assert.equal(status, 0, stderr);
});

test("its types are found by Node and by bundlers", () => {
  execFileSync(tool("attw"), [tarball, "--profile", "esm-only", "--format", "ascii"], { cwd: here, stdio: "pipe" });
});

for (const project of ["tsconfig.json", "tsconfig.bundler.json"]) {
  test(`its types are as they are meant (${project})`, () => {
    const { status, stdout } = spawnSync(tool("tsc"), ["-p", join("types", project)], { cwd: here, encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}

// Bundles for browsers; esbuild fails on what is built into Node.
async function bundle(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const kept = Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0);
  return { text: outputFiles[0].text, kept, gzipped: gzipSync(outputFiles[0].contents).length };
}

const minimal = `
  import { connect, createClient, token } from "@bastide-id/client/web";
  import { AuthService } from "@bastide-id/client/v1";
  createClient(AuthService, connect({ url: location.origin, auth: token("t") })).getMyUser({}).then(console.log);`;

test("a page that uses AuthService alone is small, and has nothing that it does not use", async (t) => {
  const { kept, gzipped } = await bundle(minimal);
  t.diagnostic(`${(gzipped / 1000).toFixed(1)} kB gzip`);
  assert.ok(gzipped < 120_000, `${gzipped} bytes`);
  for (const unused of [/system_service/, /admin_service/, /management_service/, /\/jose\//, /dist\/(list|key|pem)\.js/, /connect-node/]) {
    assert.deepEqual(kept.filter((input) => unused.test(input)), []);
  }
});

test("all that is for browsers runs there", async () => {
  await bundle(`export * from "@bastide-id/client"; export * from "@bastide-id/client/web";
    export * from "@bastide-id/client/v1"; export * as v2 from "@bastide-id/client/v2";`);
  await assert.rejects(bundle(`export * from "@bastide-id/client/node";`), /Could not resolve "(node:)?\w+"/);
});

test("each service, and each message by its package, is in an entry point", async () => {
  const [v1, v2] = [await import("@bastide-id/client/v1"), await import("@bastide-id/client/v2")];
  for (const name of ["AdminService", "AuthService", "ManagementService", "SystemService"]) {
    assert.equal(v1[name].kind, "service");
    for (const method of v1[name].methods) {
      const found = [...Object.values(v1), v1].some((space) =>
        Object.values(space).some((value) => value === method.input),
      );
      assert.ok(found, method.input.typeName);
    }
  }
  assert.equal(v2.OrganizationService.typeName, "zitadel.org.v2.OrganizationService");
  assert.equal(v2.WebKeyService.typeName, "zitadel.webkey.v2.WebKeyService");
});

test("all lists that the methods answer have one field of many", async () => {
  const entries = [await import("@bastide-id/client/v1"), await import("@bastide-id/client/v2")];
  const services = entries.flatMap((entry) => Object.values(entry)).filter((value) => value.kind === "service");
  const lists = services.flatMap((service) => service.methods).filter(({ name }) => name.startsWith("List"));
  assert.ok(lists.length > 20);
  for (const { name, output } of lists) {
    assert.equal(output.fields.filter(({ fieldKind }) => fieldKind === "list").length, 1, name);
  }
});
