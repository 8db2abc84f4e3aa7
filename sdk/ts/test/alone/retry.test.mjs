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
// Retry-After is not waited for: the pauses are drawn.
const unavailable = (_, response) => failed(response, 503, "unavailable", { "retry-after": "3600" });

for (const [name, { connect }] of Object.entries({ node, web })) {
  test(`${name}: a read is tried again, with full jitter of growing waits`, async (t) => {
    const { url, seen } = await serve(t, (_, response, n) => (n < 4 ? unavailable(_, response) : fine(response)));
    const fake = environment();
    await createClient(AuthService, connect({ url, environment: fake })).getMyUser({});
    assert.equal(seen.length, 4);
    assert.deepEqual(fake.slept, [50, 100, 200]);
  });

  test(`${name}: the waits grow to two seconds, and a read is tried four times`, async (t) => {
    const { url, seen } = await serve(t, unavailable);
    const fake = environment();
    const failing = (retry) => createClient(AuthService, connect({ url, retry, environment: fake })).getMyUser({});
    await assert.rejects(failing({ firstDelayMs: 1500 }), { code: Code.Unavailable });
    assert.equal(seen.length, 4);
    assert.deepEqual(fake.slept, [750, 1000, 1000]);
  });

  test(`${name}: a call may take a minute if nothing else is said`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => fine(response));
    const auth = createClient(AuthService, connect({ url }));
    await auth.getMyUser({});
    await auth.getMyUser({}, { timeoutMs: 1500 });
    await createClient(AuthService, connect({ url, timeoutMs: 0 })).getMyUser({});
    assert.deepEqual(seen.map(({ headers }) => headers["connect-timeout-ms"]), ["60000", "1500", undefined]);
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

  test(`${name}: a connection that breaks amid the answer is Unavailable, and tried again`, async (t) => {
    const { url, seen } = await serve(t, (_, response, n) => {
      if (n === 2) {
        fine(response);
        return;
      }
      response.writeHead(200, { "content-type": "application/proto", "content-length": "100" });
      response.write("a", () => response.destroy());
    });
    const auth = createClient(AuthService, connect({ url, environment: environment() }));
    await auth.getMyUser({});
    assert.equal(seen.length, 2);
    await assert.rejects(auth.removeMyUser({}), { name: "BastideError", code: Code.Unavailable });
    assert.equal(seen.length, 3);
  });

  test(`${name}: the deadline bounds all attempts`, async (t) => {
    const { url } = await serve(t, unavailable);
    // Never wakes up by itself.
    const sleep = (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const fake = { sleep, random: () => 0 };
    const auth = createClient(AuthService, connect({ url, timeoutMs: 50, environment: fake }));
    await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.DeadlineExceeded });
  });

  for (const protocol of ["connect", "grpc-web"]) {
    test(`${name}: a wait that would outlast the deadline is not begun (${protocol})`, async (t) => {
      const { url, seen } = await serve(t, (_, response) => response.destroy());
      const sleep = () => assert.fail("it slept");
      const retry = { firstDelayMs: 7_200_000, maxDelayMs: 7_200_000 };
      const fake = { ...environment(), sleep };
      const auth = createClient(AuthService, connect({ url, protocol, retry, environment: fake }));
      await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.Unavailable });
      assert.equal(seen.length, 1);
    });
  }

  test(`${name}: an answer has its bound`, async (t) => {
    const megabyte = Buffer.alloc(1 << 20);
    const { url, seen } = await serve(t, async (_, response) => {
      response.writeHead(200, { "content-type": "application/proto" });
      for (let n = 0; n < 65 && !response.destroyed; n++) {
        await new Promise((resolve) => response.write(megabyte, resolve));
      }
      response.end();
    });
    await assert.rejects(createClient(AuthService, connect({ url })).getMyUser({}), {
      name: "BastideError",
      code: Code.ResourceExhausted,
    });
    assert.equal(seen.length, 1);
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
    await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.Unknown });
    const byKey = createClient(AuthService, connect({ url, auth: node.key(rsaKeyFile()) }));
    await assert.rejects(byKey.getMyUser({}), { name: "BastideError", code: Code.Unknown });
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
