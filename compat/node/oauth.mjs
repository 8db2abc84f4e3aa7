// openid-client and oauth4webapi: tokens by a secret and by a key, looked at by
// an API, exchanged, and taken back.
import assert from "node:assert/strict";
import { createPrivateKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createAccessTokenInterceptor, createAdminClient, createManagementClient } from "@zitadel/node/dist/api/index.js";
import { Metadata } from "nice-grpc-common";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { keyFile } from "./tenant.mjs";

const [baseUrl, dataDir] = process.argv.slice(2);
const owner = createAccessTokenInterceptor(readFileSync(`${dataDir}/owner.pat`, "utf8").trim());
const issuer = new URL(baseUrl);
const insecure = { execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks] };
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const accessToken = "urn:ietf:params:oauth:token-type:access_token";

// A project with two APIs, an application that exchanges tokens, and a machine
// user who is granted a role.
const { id: organization } = await createManagementClient(baseUrl, owner).addOrg({ name: "Node OAuth" });
const management = createManagementClient(baseUrl, owner, async function* (call, options) {
  options.metadata ??= new Metadata();
  options.metadata.set("x-zitadel-orgid", organization);
  return yield* call.next(call.request, options);
});
const { id: projectId } = await management.addProject({ name: "Shop" });
await management.addProjectRole({ projectId, roleKey: "buyer", displayName: "Buyer" });
const api = await management.addAPIApp({ projectId, name: "API", authMethodType: 0 });
const keyed = await management.addAPIApp({ projectId, name: "API by key", authMethodType: 1 });
const appKey = keyFile((await management.addAppKey({ projectId, appId: keyed.appId, type: 1 })).keyDetails);
const exchanger = await management.addOIDCApp({
  projectId, name: "Help desk", redirectUris: ["https://help.example.com/callback"], responseTypes: [0], grantTypes: [0, 4], appType: 0, authMethodType: 0,
});
const { userId } = await management.addMachineUser({ userName: "node-oauth-robot", name: "Robot", accessTokenType: 1 });
await management.addUserGrant({ userId, projectId, roleKeys: ["buyer"] });
const machine = await management.generateMachineSecret({ userId });
const machineKey = keyFile((await management.addMachineKey({ userId, type: 1 })).keyDetails);
const scope = `openid profile urn:zitadel:iam:org:project:id:${projectId}:aud`;

// privateKey reads the PKCS #1 key of a key file.
const privateKey = async ({ key, keyId }) => ({
  kid: keyId,
  key: await webcrypto.subtle.importKey(
    "pkcs8", createPrivateKey(key).export({ format: "der", type: "pkcs8" }), { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"],
  ),
});

await byOpenidClient();
await byOauth4webapi();
process.exit(0); // the channels of gRPC stay open

async function byOpenidClient() {
  const resourceServer = await openid.discovery(issuer, api.clientId, api.clientSecret, openid.ClientSecretBasic(), insecure);
  const byKey = await openid.discovery(issuer, appKey.clientId, undefined, openid.PrivateKeyJwt(await privateKey(appKey)), insecure);
  for (const authentication of [openid.ClientSecretBasic, openid.ClientSecretPost]) {
    const robot = await openid.discovery(issuer, machine.clientId, machine.clientSecret, authentication(machine.clientSecret), insecure);
    const tokens = await openid.clientCredentialsGrant(robot, { scope });
    assert.equal(tokens.token_type, "bearer");
    assert.equal((await openid.fetchUserInfo(robot, tokens.access_token, userId)).name, "Robot");
    for (const looking of [resourceServer, byKey]) {
      const seen = await openid.tokenIntrospection(looking, tokens.access_token);
      assert.equal(seen.active, true);
      assert.equal(seen.sub, userId);
      assert.ok(seen["urn:zitadel:iam:org:project:roles"].buyer);
    }
    await openid.tokenRevocation(robot, tokens.access_token);
    assert.deepEqual({ ...(await openid.tokenIntrospection(resourceServer, tokens.access_token)) }, { active: false });
    await assert.rejects(openid.fetchUserInfo(robot, tokens.access_token, userId));
  }
  const own = await openid.clientCredentialsGrant(byKey, { scope });
  const seen = await openid.tokenIntrospection(resourceServer, own.access_token);
  assert.deepEqual([seen.active, seen.sub, seen.client_id], [true, appKey.clientId, appKey.clientId]);
  const wrong = await openid.discovery(issuer, machine.clientId, "wrong", openid.ClientSecretBasic("wrong"), insecure);
  await assert.rejects(openid.clientCredentialsGrant(wrong, { scope }), { status: 401 });

  // An impersonator acts for another user.
  const robot = await openid.discovery(issuer, machine.clientId, machine.clientSecret, openid.ClientSecretBasic(), insecure);
  const helpDesk = await openid.discovery(issuer, exchanger.clientId, exchanger.clientSecret, openid.ClientSecretBasic(), insecure);
  const actor = await openid.clientCredentialsGrant(robot, { scope });
  const { userId: subject } = await management.addMachineUser({ userName: "node-oauth-subject", name: "Subject" });
  const impersonate = () =>
    openid.genericGrantRequest(helpDesk, tokenExchange, {
      subject_token: subject, subject_token_type: "urn:zitadel:params:oauth:token-type:user_id",
      actor_token: actor.access_token, actor_token_type: accessToken,
      scope: `urn:zitadel:iam:org:project:id:${projectId}:aud`,
    });
  await assert.rejects(impersonate());
  await management.addOrgMember({ userId, roles: ["ORG_END_USER_IMPERSONATOR"] });
  const acted = await openid.tokenIntrospection(resourceServer, (await impersonate()).access_token);
  assert.deepEqual([acted.active, acted.sub, acted.act.sub], [true, subject, userId]);
}

async function byOauth4webapi() {
  const insecurely = { [oauth.allowInsecureRequests]: true };
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecurely));
  const client = { client_id: userId };
  // The JWT profile: the assertion is the proof of who asks.
  const { key, kid } = await privateKey(machineKey);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encode({ alg: "RS256", kid })}.${encode({ iss: userId, sub: userId, aud: issuer.origin, iat: now, exp: now + 60, jti: "once" })}`;
  const assertion = `${signed}.${Buffer.from(await webcrypto.subtle.sign("RSASSA-PKCS1-v1_5", key, Buffer.from(signed))).toString("base64url")}`;
  const ask = () => oauth.genericTokenEndpointRequest(server, client, oauth.None(), jwtBearer, { assertion, scope }, insecurely);
  const tokens = await oauth.processGenericTokenEndpointResponse(server, client, await ask());
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, userId);
  await assert.rejects(async () => oauth.processGenericTokenEndpointResponse(server, client, await ask()), { error: "invalid_grant" });

  // The access token is a JWT (RFC 9068), and verifies by the published keys.
  const request = new Request("http://api.example.com/", { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, projectId, insecurely);
  assert.deepEqual([claims.sub, claims.client_id], [userId, userId]);

  const apiClient = { client_id: api.clientId };
  const look = async () =>
    oauth.processIntrospectionResponse(
      server, apiClient, await oauth.introspectionRequest(server, apiClient, oauth.ClientSecretPost(api.clientSecret), tokens.access_token, insecurely),
    );
  assert.equal((await look()).active, true);
  const info = await oauth.processUserInfoResponse(server, client, userId, await oauth.userInfoRequest(server, client, tokens.access_token, insecurely));
  assert.equal(info.sub, userId);
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, oauth.ClientSecretBasic(machine.clientSecret), tokens.access_token, insecurely));
  assert.equal((await look()).active, false);
}
