// Pages of other origins call the server with plain fetch, in a real browser.
// Runs beside a server: go run ./tools/withserver -dir tools/browser -- node --test
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const url = process.env.BASTIDE_URL;
const token = readFileSync(join(process.env.BASTIDE_DATA_DIR, "owner.pat"), "utf8").trim();
const getMyUser = "/zitadel.auth.v1.AuthService/GetMyUser";

let browser, pages, port;

before(async () => {
  pages = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>a page</title>");
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  port = pages.address().port;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  pages?.close();
});

// from runs fetch in a page of the host. It returns what the page sees of the
// answer, or of the failure, and what the browser says about it.
async function from(host, address, { method = "POST", headers = {}, body, credentials = "omit" } = {}) {
  const page = await browser.newPage();
  try {
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    await page.goto(`http://${host}:${port}/`);
    const seen = await page.evaluate(
      async ({ address, options, bytes }) => {
        try {
          const answer = await fetch(address, { ...options, body: bytes ? new Uint8Array(bytes) : options.body });
          const data = new Uint8Array(await answer.arrayBuffer());
          return { status: answer.status, headers: Object.fromEntries(answer.headers), data: [...data] };
        } catch (error) {
          return { failed: error.name };
        }
      },
      {
        address,
        options: { method, headers, credentials, body: body instanceof Uint8Array ? undefined : body },
        bytes: body instanceof Uint8Array ? [...body] : undefined,
      },
    );
    return { ...seen, text: seen.data && Buffer.from(seen.data).toString(), said: said.join("\n") };
  } finally {
    await page.close();
  }
}

const bearer = { Authorization: `Bearer ${token}` };

function connect(path, message, headers = bearer) {
  return from("localhost", url + path, {
    headers: { "Content-Type": "application/json", "Connect-Protocol-Version": "1", ...headers },
    body: JSON.stringify(message),
  });
}

test("a page of another port calls over Connect", async () => {
  const { status, text, said } = await connect(getMyUser, {});
  assert.equal(status, 200, said);
  assert.ok(JSON.parse(text).user.id);
});

test("it reads what failed, and the field that it belongs to", async () => {
  const nobody = await connect(getMyUser, {}, {});
  assert.equal(nobody.status, 401, nobody.said);
  assert.equal(nobody.headers["www-authenticate"], "Bearer");
  assert.equal(JSON.parse(nobody.text).code, "unauthenticated");

  const wrong = await connect("/zitadel.management.v1.ManagementService/AddMachineUser", { userName: "" });
  assert.equal(wrong.status, 400, wrong.said);
  const { details } = JSON.parse(wrong.text);
  assert.deepEqual(details.map(({ type }) => type).sort(), ["buf.validate.Violations", "zitadel.v1.ErrorDetail"]);
});

test("it reads a list page by page", async () => {
  const list = "/zitadel.management.v1.ManagementService/ListUsers";
  const made = await connect("/zitadel.management.v1.ManagementService/AddMachineUser", { userName: "paged", name: "Paged" });
  assert.equal(made.status, 200, made.text);
  const first = await connect(list, { query: { limit: 1 } });
  const next = first.headers["x-bastide-next-page-token"];
  assert.ok(next, first.text);
  const second = await connect(list, { query: { limit: 1 } }, { ...bearer, "X-Bastide-Page-Token": next });
  assert.equal(second.status, 200, second.said);
  assert.notEqual(JSON.parse(second.text).result[0].id, JSON.parse(first.text).result[0].id);
});

// frame is a message as gRPC-Web has it.
function frame(message) {
  const data = Buffer.from(JSON.stringify(message));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(data.length, 1);
  return new Uint8Array(Buffer.concat([prefix, data]));
}

const grpcWeb = { "Content-Type": "application/grpc-web+json", "X-Grpc-Web": "1", "X-User-Agent": "test", "Grpc-Timeout": "10S" };

test("it calls over gRPC-Web", async () => {
  const { status, data, said } = await from("localhost", url + getMyUser, { headers: { ...grpcWeb, ...bearer }, body: frame({}) });
  assert.equal(status, 200, said);
  const answer = Buffer.from(data);
  const length = answer.readUInt32BE(1);
  assert.ok(JSON.parse(answer.subarray(5, 5 + length)).user.id);
  assert.match(answer.subarray(10 + length).toString(), /grpc-status: ?0/i);
});

test("it reads what failed over gRPC-Web", async () => {
  const { headers, text, said } = await from("localhost", url + getMyUser, { headers: grpcWeb, body: frame({}) });
  const trailers = `${JSON.stringify(headers)}${text}`;
  assert.match(trailers, /grpc-status"?: ?"?16/i, said);
  assert.match(trailers, /grpc-message/i);
  assert.match(trailers, /grpc-status-details-bin/i);
});

test("it calls REST with every verb", async () => {
  for (const [method, path, body, wanted] of [
    ["GET", "/auth/v1/users/me", undefined, 200],
    ["POST", "/management/v1/users/_search", "{}", 200],
    ["PUT", "/management/v1/users/unknown/machine", '{"name": "x"}', 404],
    ["DELETE", "/management/v1/users/unknown", undefined, 404],
  ]) {
    const { status, said } = await from("localhost", url + path, {
      method,
      body,
      headers: { ...bearer, "Content-Type": "application/json", "x-zitadel-orgid": "" },
    });
    assert.equal(status, wanted, `${method} ${path}: ${said}`);
  }
});

test("it gets tokens", async () => {
  const discovery = await from("localhost", `${url}/.well-known/openid-configuration`, { method: "GET" });
  const { jwks_uri, token_endpoint, userinfo_endpoint } = JSON.parse(discovery.text);
  const keys = await from("localhost", jwks_uri, { method: "GET" });
  assert.ok(JSON.parse(keys.text).keys, keys.said);
  const refused = await from("localhost", token_endpoint, {
    headers: { Authorization: `Basic ${btoa("nobody:wrong")}`, "Content-Type": "application/x-www-form-urlencoded" },
    body: "grant_type=client_credentials",
  });
  assert.equal(refused.status, 401, refused.said);
  assert.equal(JSON.parse(refused.text).error, "invalid_client");
  const userinfo = await from("localhost", userinfo_endpoint, { method: "GET", headers: bearer });
  assert.notEqual(userinfo.status, undefined, userinfo.said);
});

test("it cannot use what the browser holds", async () => {
  const { failed, said } = await from("localhost", url + getMyUser, {
    headers: { "Content-Type": "application/json", ...bearer },
    body: "{}",
    credentials: "include",
  });
  assert.equal(failed, "TypeError");
  assert.match(said, /CORS policy/);
});

test("an endpoint that shows pages cannot be called", async () => {
  const { failed, said } = await from("localhost", `${url}/oauth/v2/authorize`, { method: "GET" });
  assert.equal(failed, "TypeError");
  assert.match(said, /CORS policy/);
});

test("only pages of the configured origin may call", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "bastide-cors-"));
  const origin = `http://app.localhost:${port}`;
  const server = spawn("bastide", ["serve", "--listen", "127.0.0.1:0", "--data-dir", directory, "--cors-origins", origin, "--log-level", "warn"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  t.after(async () => {
    server.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true });
  });
  let greeting = "";
  for await (const line of createInterface(server.stdout)) {
    greeting = line;
    break;
  }
  const [running] = greeting.match(/http:\S+/) ?? assert.fail("the server printed no address");
  const address = running + getMyUser;
  for (const headers of [{ "Content-Type": "application/json" }, grpcWeb]) {
    const allowed = await from("app.localhost", address, { headers, body: headers === grpcWeb ? frame({}) : "{}" });
    assert.ok(allowed.status, allowed.said);
    for (const host of ["evil.localhost", "localhost", "127.0.0.1", "x.app.localhost"]) {
      const { failed, said } = await from(host, address, { headers, body: "{}" });
      assert.equal(failed, "TypeError", host);
      assert.match(said, /CORS policy/);
    }
  }
});
