// How tokens are had, kept and renewed.
import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BastideError, Code, connect, createClient, key, keyFile, systemKey, token, tokenFile } from "@bastide-id/client/node";
import { AuthService } from "@bastide-id/client/v1";
import { environment, failed, fine, json, serve } from "./fake.mjs";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const file = (type = "pkcs1") =>
  JSON.stringify({
    type: "serviceaccount",
    keyId: "key-1",
    userId: "user-1",
    key: rsa.privateKey.export({ type, format: "pem" }),
  });

// Gives the tokens t1, t2, …, each for an hour if not told otherwise, and refuses those in `refused`.
async function tokens(t, refused = [], lasts = 3600) {
  let given = 0;
  const served = await serve(t, ({ path, headers }, response) => {
    if (path === "/oauth/v2/token") {
      json(response, 200, { access_token: `t${++given}`, token_type: "Bearer", expires_in: lasts ?? undefined });
    } else if (refused.includes(headers.authorization)) {
      failed(response, 401, "unauthenticated");
    } else {
      fine(response);
    }
  });
  const sent = () => served.seen.filter(({ path }) => !path.startsWith("/oauth")).map(({ headers }) => headers.authorization);
  return { ...served, sent, given: () => given };
}

const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));

for (const type of ["pkcs1", "pkcs8"]) {
  test(`a key file (${type}) signs an assertion and exchanges it`, async (t) => {
    const { url, seen, sent } = await tokens(t);
    const fake = environment();
    await createClient(AuthService, connect({ url, auth: keyFile(file(type)), environment: fake })).getMyUser({});
    const form = new URLSearchParams(seen[0].body);
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert.equal(form.get("scope"), "openid urn:zitadel:iam:org:project:id:zitadel:aud");
    const [header, claims, signature] = form.get("assertion").split(".");
    assert.deepEqual(decode(header), { alg: "RS256", kid: "key-1" });
    const { jti, ...rest } = decode(claims);
    const now = fake.now() / 1000;
    assert.deepEqual(rest, { iss: "user-1", sub: "user-1", aud: url, iat: now, exp: now + 600 });
    assert.ok(jti);
    assert.ok(verify("sha256", Buffer.from(`${header}.${claims}`), rsa.publicKey, Buffer.from(signature, "base64url")));
    assert.deepEqual(sent(), ["Bearer t1"]);
    assert.ok(!seen.some(({ path }) => path.includes("t1")));
  });
}

test("a token is kept until shortly before its end", async (t) => {
  const { url, sent } = await tokens(t);
  const fake = environment();
  const auth = createClient(AuthService, connect({ url, auth: key(new TextEncoder().encode(file())), environment: fake }));
  await auth.getMyUser({});
  fake.advance(3_539_000);
  await auth.getMyUser({});
  fake.advance(2_000);
  await auth.getMyUser({});
  assert.deepEqual(sent(), ["Bearer t1", "Bearer t1", "Bearer t2"]);
});

test("many callers make one request for a token", async (t) => {
  const { url, given, sent } = await tokens(t);
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  await Promise.all(Array.from({ length: 20 }, () => auth.getMyUser({})));
  assert.equal(given(), 1);
  assert.equal(sent().length, 20);
});

test("one caller who gives up takes the token from nobody", async (t) => {
  const { url, given } = await tokens(t);
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  const controller = new AbortController();
  const [left, stayed] = await Promise.allSettled([
    auth.getMyUser({}, { signal: controller.signal }),
    auth.getMyUser({}),
    Promise.resolve().then(() => controller.abort()),
  ]);
  assert.equal(left.reason?.code, Code.Canceled);
  assert.equal(stayed.status, "fulfilled");
  assert.equal(given(), 1);
});

test("a short-lived token is kept for three quarters of its life, one of unknown life until it is refused", async (t) => {
  for (const [lasts, advance, expected] of [[100, 74_000, 1], [100, 76_000, 2], [null, 1e10, 1]]) {
    const { url, given } = await tokens(t, [], lasts);
    const fake = environment();
    const auth = createClient(AuthService, connect({ url, auth: key(file()), environment: fake }));
    await auth.getMyUser({});
    fake.advance(advance);
    await auth.getMyUser({});
    assert.equal(given(), expected);
  }
});

test("a kept token that is refused is replaced once, also for a change", async (t) => {
  const refused = [];
  const { url, sent } = await tokens(t, refused);
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  await auth.getMyUser({});
  refused.push("Bearer t1");
  await auth.removeMyUser({});
  refused.push("Bearer t2", "Bearer t3");
  await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.Unauthenticated });
  assert.deepEqual(sent(), ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]);
});

test("a new token that is refused is not replaced: another would be refused too", async (t) => {
  const { url, sent } = await tokens(t, ["Bearer t1"]);
  await assert.rejects(createClient(AuthService, connect({ url, auth: keyFile(file()) })).getMyUser({}), {
    name: "BastideError",
    code: Code.Unauthenticated,
  });
  assert.deepEqual(sent(), ["Bearer t1"]);
});

test("many callers with a refused token ask for one new one", async (t) => {
  const refused = [];
  const { url, given } = await tokens(t, refused);
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  await auth.getMyUser({});
  refused.push("Bearer t1");
  await Promise.all(Array.from({ length: 10 }, () => auth.getMyUser({})));
  assert.equal(given(), 2);
});

test("a refused system token is signed anew within a second, and is another", async (t) => {
  let calls = 0;
  const { url, seen } = await serve(t, (_, response) => (++calls === 1 ? fine(response) : failed(response, 401, "unauthenticated")));
  const pem = rsa.privateKey.export({ type: "pkcs8", format: "pem" });
  const auth = createClient(AuthService, connect({ url, auth: systemKey("ops", pem), environment: environment() }));
  await auth.getMyUser({});
  await assert.rejects(auth.getMyUser({}), { code: Code.Unauthenticated });
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen.map(({ headers }) => headers.authorization)).size, 2);
});

test("a token endpoint that gives one token again and again is asked twice, and the refusal told", async (t) => {
  let given = 0;
  let calls = 0;
  const { url } = await serve(t, ({ path }, response) => {
    if (path === "/oauth/v2/token") {
      given++;
      json(response, 200, { access_token: "t", token_type: "Bearer", expires_in: 3600 });
    } else if (++calls === 1) {
      fine(response);
    } else {
      failed(response, 401, "unauthenticated");
    }
  });
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  await auth.getMyUser({});
  await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.Unauthenticated });
  assert.deepEqual([calls, given], [3, 3]);
});

test("while the token endpoint is down, a token is used up", async (t) => {
  let down = false;
  const { url } = await serve(t, ({ path }, response) => {
    if (path !== "/oauth/v2/token") {
      fine(response);
    } else if (down) {
      json(response, 502, {});
    } else {
      json(response, 200, { access_token: "t", token_type: "Bearer", expires_in: 3600 });
    }
  });
  const fake = environment();
  const auth = createClient(AuthService, connect({ url, auth: key(file()), environment: fake }));
  await auth.getMyUser({});
  down = true;
  fake.advance(3_541_000);
  await auth.removeMyUser({});
  assert.deepEqual(fake.slept, []);
  fake.advance(59_000);
  await assert.rejects(auth.removeMyUser({}), { code: Code.Unavailable });
  assert.equal(fake.slept.length, 3);
});

test("the audience is the URL, or what the option says", async (t) => {
  const { url, seen } = await serve(t, (_, response) => fine(response));
  const pem = rsa.privateKey.export({ type: "pkcs8", format: "pem" });
  const audience = "https://id.example.com/";
  await createClient(AuthService, connect({ url, auth: systemKey("ops", pem, { audience }) })).getMyUser({});
  assert.equal(decode(seen[0].headers.authorization.split(".")[1]).aud, "https://id.example.com");
  for (const auth of [key(file(), { audience }), keyFile(file(), { audience })]) {
    const { url, seen } = await tokens(t);
    await createClient(AuthService, connect({ url, auth })).getMyUser({});
    assert.equal(decode(new URLSearchParams(seen[0].body).get("assertion").split(".")[1]).aud, "https://id.example.com");
  }
  for (const audience of ["localhost", "ftp://localhost", "https://a:b@localhost", ""]) {
    assert.throws(() => key(file(), { audience }), { name: "TypeError", message: /^audience must be the URL/ });
    assert.throws(() => systemKey("ops", pem, { audience }), { name: "TypeError", message: /^audience must be the URL/ });
  }
});

test("space around a token comes from its file", async (t) => {
  const { url, seen } = await serve(t, (_, response) => fine(response));
  const directory = mkdtempSync(join(tmpdir(), "bastide-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "owner.pat"), "the-token\n");
  for (const auth of [tokenFile(join(directory, "owner.pat")), token(" the-token\n"), token(async () => "the-token\n")]) {
    await createClient(AuthService, connect({ url, auth })).getMyUser({});
  }
  assert.deepEqual(seen.map(({ headers }) => headers.authorization), Array(3).fill("Bearer the-token"));
});

test("an error of the token endpoint is told without the assertion, and not kept", async (t) => {
  let n = 0;
  const { url, seen } = await serve(t, ({ path }, response) => {
    if (path !== "/oauth/v2/token") {
      fine(response);
    } else if (++n === 1) {
      json(response, 400, { error: "invalid_grant", error_description: "the key is unknown" });
    } else {
      json(response, 200, { access_token: "t", token_type: "Bearer", expires_in: 60 });
    }
  });
  const auth = createClient(AuthService, connect({ url, auth: keyFile(file()) }));
  await assert.rejects(auth.getMyUser({}), (error) => {
    assert.ok(error instanceof BastideError);
    assert.equal(error.code, Code.Unauthenticated);
    assert.match(error.message, /invalid_grant: the key is unknown/);
    const assertion = new URLSearchParams(seen[0].body).get("assertion");
    assert.ok(!JSON.stringify([error.message, error.stack, error.cause]).includes(assertion.slice(-20)));
    return true;
  });
  await auth.getMyUser({});
});

test("a token endpoint that is Unavailable is asked again, also for a change", async (t) => {
  let n = 0;
  const { url } = await serve(t, ({ path }, response) => {
    if (path !== "/oauth/v2/token") {
      fine(response);
    } else if (++n < 3) {
      json(response, 503, {});
    } else {
      json(response, 200, { access_token: "t", token_type: "Bearer", expires_in: 60 });
    }
  });
  const fake = environment();
  await createClient(AuthService, connect({ url, auth: keyFile(file()), environment: fake })).removeMyUser({});
  assert.deepEqual(fake.slept, [50, 100]);
});

for (const [status, body, code, asked] of [
  [401, { error: "invalid_client" }, Code.Unauthenticated, 1],
  [404, {}, Code.Unknown, 1],
  [302, {}, Code.Unknown, 1],
  [429, {}, Code.ResourceExhausted, 1],
  [500, {}, Code.Unavailable, 4],
]) {
  test(`the token endpoint answers ${status}`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => json(response, status, body));
    const auth = createClient(AuthService, connect({ url, auth: key(file()), environment: environment() }));
    await assert.rejects(auth.removeMyUser({}), { name: "BastideError", code });
    assert.equal(seen.length, asked);
  });
}

test("what is not a token is not taken for one", async (t) => {
  for (const body of [
    {},
    { access_token: "t", token_type: "mac", expires_in: 1 },
    { access_token: "t", token_type: "Bearer", expires_in: "1" },
    { access_token: "t\r\nx: y", token_type: "Bearer", expires_in: 1 },
  ]) {
    const { url } = await serve(t, (_, response) => json(response, 200, body));
    await assert.rejects(createClient(AuthService, connect({ url, auth: keyFile(file()) })).getMyUser({}), {
      message: /something else than a token/,
    });
  }
});

const kinds = {
  RS256: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
for (const [alg, { privateKey, publicKey }] of Object.entries(kinds)) {
  test(`a system key (${alg}) signs tokens itself, and a new one before an hour is over`, async (t) => {
    const { url, seen } = await serve(t, (_, response) => fine(response));
    const directory = mkdtempSync(join(tmpdir(), "bastide-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "system.key.pem");
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }));
    const fake = environment();
    const auth = createClient(AuthService, connect({ url, auth: systemKey("ops", path), environment: fake }));
    await auth.getMyUser({});
    fake.advance(3_500_000);
    await auth.getMyUser({});
    fake.advance(100_000);
    await auth.getMyUser({});
    const [first, same, next] = seen.map(({ headers }) => headers.authorization);
    assert.equal(first, same);
    assert.notEqual(first, next);
    const [header, claims, signature] = first.replace("Bearer ", "").split(".");
    assert.deepEqual(decode(header), { alg });
    const { iat, exp, jti, ...rest } = decode(claims);
    assert.ok(jti);
    assert.deepEqual(rest, { iss: "ops", sub: "ops", aud: url });
    assert.equal(exp - iat, 3600);
    const signer = alg === "ES256" ? { key: publicKey, dsaEncoding: "ieee-p1363" } : publicKey;
    const digest = alg === "EdDSA" ? null : "sha256";
    assert.ok(verify(digest, Buffer.from(`${header}.${claims}`), signer, Buffer.from(signature, "base64url")));
  });
}

test("a function is asked for a token for each call", async (t) => {
  const { url, seen } = await serve(t, (_, response) => fine(response));
  let n = 0;
  const auth = createClient(AuthService, connect({ url, auth: token(async () => `own${++n}`) }));
  await auth.getMyUser({});
  await auth.getMyUser({});
  assert.deepEqual(seen.map(({ headers }) => headers.authorization), ["Bearer own1", "Bearer own2"]);
});

test("bad keys and tokens are refused, and not repeated", async () => {
  const small = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey.export({ type: "pkcs8", format: "pem" });
  for (const [make, message] of [
    [() => token(""), /the token must be/],
    [() => token("two words"), /the token must be/],
    [() => token("two\nlines"), /the token must be/],
    [() => key("secret"), /of the type "serviceaccount"/],
    [() => key('{"type":"application","keyId":"k","clientId":"c","key":"secret"}'), /one of an application/],
    [() => key('{"type":"serviceaccount","key":"secret"}'), /has no "keyId"/],
    [() => key('{"type":"serviceaccount","keyId":"k","key":"secret"}'), /has no "userId"/],
    [() => key('{"type":"serviceaccount","keyId":"k","userId":"u","key":"secret"}'), /private RSA key in PEM/],
    [() => keyFile('{"type":"serviceaccount","keyId":"k","userId":"u","key":"-----BEGIN EC PRIVATE KEY-----\\nsecret\\n-----END EC PRIVATE KEY-----"}'), /private RSA key in PEM/],
    [() => systemKey("", small), /user must not be empty/],
    [() => systemKey("system", "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----"), /no private key in PEM/],
    [() => systemKey("system", small), /on the curve P-256/],
  ]) {
    assert.throws(make, (error) => {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, message);
      assert.ok(!error.message.includes("secret"));
      return true;
    });
  }
  assert.throws(() => keyFile("nowhere.json"), { code: "ENOENT" });
  assert.throws(() => tokenFile("nowhere.pat"), { code: "ENOENT" });
});
