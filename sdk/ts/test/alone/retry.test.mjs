// What is tried again, how often, and what bounds it.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import * as http2 from "node:http2";
import { test } from "node:test";
import * as node from "@bastide-id/client/node";
import * as web from "@bastide-id/client/web";
import { AuthService } from "@bastide-id/client/v1";
import { environment, failed, fine, fineGRPC, serve, serveHTTP2 } from "./fake.mjs";

const { BastideError, Code, createClient } = node;
const unavailable = (_, response) => failed(response, 503, "unavailable");

for (const [name, { connect }] of Object.entries({ node, web })) {
  test(`${name}: a read is tried again, with full jitter of growing waits`, async (t) => {
    const { url, seen } = await serve(t, (_, response, n) => (n < 4 ? unavailable(_, response) : fine(response)));
    const fake = environment();
    await createClient(AuthService, connect({ url, environment: fake })).getMyUser({});
    assert.equal(seen.length, 4);
    assert.deepEqual(fake.slept, [50, 100, 200]);
  });

  test(`${name}: a few attempts and no more`, async (t) => {
    const { url, seen } = await serve(t, unavailable);
    const fake = environment();
    const retry = { attempts: 3, firstDelayMs: 1000, maxDelayMs: 1500 };
    await assert.rejects(createClient(AuthService, connect({ url, retry, environment: fake })).getMyUser({}), {
      name: "BastideError",
      code: Code.Unavailable,
    });
    assert.equal(seen.length, 3);
    assert.deepEqual(fake.slept, [500, 750]);
  });

  test(`${name}: no retry where none is wanted`, async (t) => {
    const { url, seen } = await serve(t, unavailable);
    await assert.rejects(createClient(AuthService, connect({ url, retry: false })).getMyUser({}), { code: Code.Unavailable });
    assert.equal(seen.length, 1);
  });

  test(`${name}: a change is not tried again`, async (t) => {
    const { url, seen } = await serve(t, unavailable);
    await assert.rejects(createClient(AuthService, connect({ url })).removeMyUser({}), { code: Code.Unavailable });
    assert.equal(seen.length, 1);
  });

  test(`${name}: no other error is tried again`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => failed(response, 404, "not_found"));
    await assert.rejects(createClient(AuthService, connect({ url })).getMyUser({}), { code: Code.NotFound });
    assert.equal(seen.length, 1);
  });

  test(`${name}: a connection that breaks is Unavailable, and tried again`, async (t) => {
    const { url, seen } = await serve(t, (_, response, n) => (n < 2 ? response.destroy() : fine(response)));
    await createClient(AuthService, connect({ url, environment: environment() })).getMyUser({});
    assert.equal(seen.length, 2);
  });

  test(`${name}: a connection that cannot be made is Unavailable`, async (t) => {
    const { url, server } = await serve(t, fine);
    await new Promise((resolve) => server.close(resolve));
    const fake = environment();
    await assert.rejects(createClient(AuthService, connect({ url, environment: fake })).getMyUser({}), (error) => {
      assert.ok(error instanceof BastideError);
      assert.equal(error.code, Code.Unavailable);
      return true;
    });
    assert.equal(fake.slept.length, 3);
  });

  test(`${name}: the deadline bounds all attempts`, async (t) => {
    const { url } = await serve(t, unavailable);
    // Never wakes up by itself.
    const sleep = (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const auth = createClient(AuthService, connect({ url, timeoutMs: 50, environment: { sleep } }));
    await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.DeadlineExceeded });
  });

  test(`${name}: a signal ends a call, and what waits for a token`, async (t) => {
    const { url, seen } = await serve(t, () => {});
    const controller = new AbortController();
    const called = createClient(AuthService, connect({ url })).getMyUser({}, { signal: controller.signal });
    controller.abort();
    await assert.rejects(called, { name: "BastideError", code: Code.Canceled });
    const asked = new AbortController();
    const auth = node.token(() => {
      asked.abort();
      return new Promise(() => {});
    });
    await assert.rejects(createClient(AuthService, connect({ url, auth })).getMyUser({}, { signal: asked.signal }), {
      code: Code.Canceled,
    });
    assert.ok(seen.length <= 1);
  });

  test(`${name}: no redirect is followed`, async (t) => {
    const other = await serve(t, (_, response) => fine(response));
    const { url } = await serve(t, ({ path }, response) => response.writeHead(307, { location: other.url + path }).end());
    const auth = createClient(AuthService, connect({ url, auth: node.token("secret") }));
    await assert.rejects(auth.getMyUser({}), BastideError);
    await assert.rejects(createClient(AuthService, connect({ url, auth: node.key(rsaKeyFile()) })).getMyUser({}), BastideError);
    assert.deepEqual(other.seen, []);
  });
}

const breaks = {
  "the connection": (stream) => stream.session.destroy(),
  "the socket": (stream) => stream.session.socket.resetAndDestroy?.() ?? stream.session.destroy(),
  "the stream": (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
};
for (const [what, end] of Object.entries(breaks)) {
  test(`grpc: when ${what} breaks, a read is tried again, and a change is not`, async (t) => {
    const { url, calls } = await serveHTTP2(t, (stream, n) => (n === 1 || n === 3 ? end(stream) : fineGRPC(stream)));
    const auth = createClient(AuthService, node.connect({ url, protocol: "grpc", environment: environment() }));
    await auth.getMyUser({});
    assert.equal(calls(), 2);
    await assert.rejects(auth.removeMyUser({}), { name: "BastideError", code: Code.Unavailable });
    assert.equal(calls(), 3);
  });
}

function rsaKeyFile() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs1", format: "pem" });
  return JSON.stringify({ type: "serviceaccount", keyId: "k", userId: "u", key });
}
