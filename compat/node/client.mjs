// @zitadel/client: protobuf-es over connect. For servers it speaks gRPC by
// HTTP/2 without TLS, for browsers gRPC-Web by HTTP/1.1; its service clients
// take every other transport of connect too, such as the Connect protocol.
//
// It takes tokens and makes those of system users, but reads no key file: what is
// signed with one here is signed with the package that it signs with itself.
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createConnectTransport } from "@connectrpc/connect-node";
import { NewAuthorizationBearerInterceptor } from "@zitadel/client";
import { createServerTransport, newSystemToken } from "@zitadel/client/node";
import { createAdminServiceClient, createAuthServiceClient, createManagementServiceClient, createSystemServiceClient } from "@zitadel/client/v1";
import { createOrganizationServiceClient, createUserServiceClient } from "@zitadel/client/v2";
import { createClientTransport } from "@zitadel/client/web";
import { SignJWT } from "jose";
import { exercise } from "./objects.mjs";
import { keyFile, machine, tenantUrl } from "./tenant.mjs";

const [baseUrl, dataDir] = process.argv.slice(2);
const token = readFileSync(`${dataDir}/owner.pat`, "utf8").trim();

const connect = (options) => (as, { interceptors, ...rest }) =>
  createConnectTransport({ ...rest, ...options, interceptors: [...interceptors, NewAuthorizationBearerInterceptor(as)] });

const transports = {
  gRPC: createServerTransport,
  "gRPC-Web": createClientTransport,
  "Connect by HTTP/2": connect({ httpVersion: "2", useBinaryFormat: true }),
  "Connect with JSON": connect({ httpVersion: "1.1", useBinaryFormat: false }),
};

// byKey returns an access token that a key file is good for.
async function byKey(issuer, { key, keyId, userId }) {
  const assertion = await new SignJWT({}).setProtectedHeader({ alg: "RS256", kid: keyId })
    .setIssuer(userId).setSubject(userId).setAudience(issuer).setIssuedAt().setExpirationTime("1h").sign(createPrivateKey(key));
  const response = await fetch(`${issuer}/oauth/v2/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, scope: "openid urn:zitadel:iam:org:project:id:zitadel:aud" }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.access_token;
}

for (const [name, create] of Object.entries(transports)) {
  const transport = (as, organization, url = baseUrl) =>
    create(as, {
      baseUrl: url,
      interceptors: organization ? [(next) => (request) => { request.header.set("x-zitadel-orgid", organization); return next(request); }] : [],
    });
  const refused = (call, code) => assert.rejects(call, (error) => error.code === code);
  const admin = createAdminServiceClient(transport(token));
  await exercise({
    name: `Node client by ${name}`,
    management: (organization) => createManagementServiceClient(transport(token, organization)),
    admin,
    auth: createAuthServiceClient(transport(token)),
    code: (error) => error?.code,
    oneof: (name, value) => ({ query: { case: name, value } }),
    long: BigInt,
  });
  await refused(createAuthServiceClient(transport("garbage")).getMyUser({}), 16);

  // The newer API: one call; the others make clients fall back to the older.
  const organizations = createOrganizationServiceClient(transport(token));
  const { organizationId } = await organizations.addOrganization({ name: `Node client by ${name}, v2` });
  await refused(organizations.addOrganization({ name: `Node client by ${name}, v2` }), 6);
  await refused(organizations.listOrganizations({}), 12);
  await refused(createUserServiceClient(transport(token)).listUsers({}), 12);
  await admin.removeOrg({ orgId: organizationId });

  const system = createSystemServiceClient(
    transport(await newSystemToken({ audience: baseUrl, subject: "system", key: readFileSync(`${dataDir}/system.key.pem`, "utf8") })),
  );
  const made = await system.createInstance({
    instanceName: "Node", customDomain: "node.localhost", owner: { case: "machine", value: machine },
  });
  // The token and the key of a new tenant work the moment they are answered, there only.
  const url = tenantUrl(baseUrl, "node.localhost");
  const file = keyFile(made.machineKey);
  for (const as of [made.pat, await byKey(url, file)]) {
    assert.equal((await createAuthServiceClient(transport(as, undefined, url)).getMyUser({})).user.id, file.userId);
    assert.equal((await createAdminServiceClient(transport(as, undefined, url)).getMyInstance({})).instance.id, made.instanceId);
    await refused(createAuthServiceClient(transport(as)).getMyUser({}), 16);
  }
  await system.removeInstance({ instanceId: made.instanceId });
  await refused(system.getInstance({ instanceId: made.instanceId }), 5);
}
