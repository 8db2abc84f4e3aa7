// @zitadel/client changes the keys of an instance. oauth4webapi and jose verify
// tokens of each kind of key, also when another one signs, until it is deleted.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClientFor } from "@zitadel/client";
import { createServerTransport, newSystemToken } from "@zitadel/client/node";
import { createAuthServiceClient, createManagementServiceClient, createSystemServiceClient } from "@zitadel/client/v1";
import { ECDSACurve, State } from "@zitadel/proto/zitadel/webkey/v2/key_pb.js";
import { WebKeyService } from "@zitadel/proto/zitadel/webkey/v2/webkey_service_pb.js"; // its v2 makes clients of other services only
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { machine, tenantUrl } from "./tenant.mjs";

const [baseUrl, dataDir] = process.argv.slice(2);
const host = "node-keys.localhost";
const system = createSystemServiceClient(createServerTransport(
  await newSystemToken({ audience: baseUrl, subject: "system", key: readFileSync(`${dataDir}/system.key.pem`, "utf8") }), { baseUrl },
));
const made = await system.createInstance({ instanceName: "Node keys", customDomain: host, owner: { case: "machine", value: machine } });
const issuer = new URL(tenantUrl(baseUrl, host));
const transport = createServerTransport(made.pat, { baseUrl: issuer.origin });
const keys = createClientFor(WebKeyService)(transport);
const management = createManagementServiceClient(transport);
const { user: { id: userId } } = await createAuthServiceClient(transport).getMyUser({});
await management.updateMachine({ userId, name: "Owner", accessTokenType: 1 });
const { clientSecret } = await management.generateMachineSecret({ userId });

const client = { client_id: userId };
const insecurely = { [oauth.allowInsecureRequests]: true };
const discover = async () => oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecurely));

// signed returns an access token, once it and the ID token that comes with it
// were verified.
async function signed(algorithm, kid) {
  const server = await discover();
  const parameters = new URLSearchParams({ scope: "openid" });
  const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(clientSecret), parameters, insecurely);
  const tokens = await oauth.processClientCredentialsResponse(server, client, response);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, userId);
  await oauth.validateApplicationLevelSignature(server, response, insecurely);
  for (const token of [tokens.access_token, tokens.id_token]) {
    const header = jose.decodeProtectedHeader(token);
    assert.deepEqual([header.alg, header.kid], [algorithm, kid ?? header.kid]);
  }
  await verify({ algorithm, token: tokens.access_token });
  return { algorithm, token: tokens.access_token, kid: jose.decodeProtectedHeader(tokens.access_token).kid };
}

// verify checks an access token as two APIs do that have just started.
async function verify({ algorithm, token }) {
  const server = await discover();
  const request = new Request("http://api.example.com/", { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await oauth.validateJwtAccessToken(server, request, userId, insecurely)).sub, userId);
  const published = jose.createRemoteJWKSet(new URL(server.jwks_uri));
  const { payload } = await jose.jwtVerify(token, published, { issuer: issuer.origin, audience: userId, typ: "at+jwt", algorithms: [algorithm] });
  assert.equal(payload.sub, userId);
}

const state = async (id) => (await keys.listWebKeys({})).webKeys.find((key) => key.id === id)?.state;

const all = [await signed("RS256")]; // makes the first key
for (const [algorithm, key] of Object.entries({
  ES256: { case: "ecdsa", value: { curve: ECDSACurve.ECDSA_CURVE_P256 } },
  EdDSA: { case: "ed25519", value: {} },
  ES512: { case: "ecdsa", value: { curve: ECDSACurve.ECDSA_CURVE_P512 } },
})) {
  const { id } = await keys.createWebKey({ key });
  assert.equal(await state(id), State.INITIAL);
  await keys.activateWebKey({ id });
  assert.deepEqual([await state(all.at(-1).kid), await state(id)], [State.INACTIVE, State.ACTIVE]);
  all.push(await signed(algorithm, id));
  for (const one of all) await verify(one);
}
await assert.rejects(keys.deleteWebKey({ id: all.at(-1).kid }), { code: 9 }); // it signs
const [first, ...others] = all;
await keys.deleteWebKey({ id: first.kid });
assert.equal(await state(first.kid), undefined);
await assert.rejects(verify(first));
for (const one of others) await verify(one);
await system.removeInstance({ instanceId: made.instanceId });
