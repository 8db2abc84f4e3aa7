// Projects with roles, applications of both kinds, and grants of roles to users.
import assert from "node:assert/strict";

export async function projects(clients) {
  const { here, organization, oneof, refused } = clients;
  const { id } = await here.addProject({ name: "Shop", projectRoleCheck: true });
  await here.updateProject({ id, name: "Shop 2", projectRoleAssertion: true });
  await refused(here.updateProject({ id, name: "Shop 2", projectRoleAssertion: true }), 9);
  const { project } = await here.getProjectByID({ id });
  assert.deepEqual([project.name, project.projectRoleAssertion, project.projectRoleCheck], ["Shop 2", true, false]);
  assert.equal(project.details.resourceOwner, organization);
  await here.bulkAddProjectRoles({ projectId: id, roles: [{ key: "buyer", displayName: "Buyer" }, { key: "a/b", displayName: "x" }] });
  await refused(here.addProjectRole({ projectId: id, roleKey: "buyer", displayName: "Buyer" }), 6);
  await here.updateProjectRole({ projectId: id, roleKey: "a/b", displayName: "y", group: "z" });
  const roles = await here.listProjectRoles({ projectId: id, queries: [oneof("keyQuery", { key: "a/b", method: 0 })] });
  assert.deepEqual(roles.result.map((r) => [r.key, r.displayName, r.group]), [["a/b", "y", "z"]]);

  await grants(clients, id);
  await webApplication(clients, id);
  await api(clients, id);
  await here.removeProjectRole({ projectId: id, roleKey: "a/b" });
  await here.removeProject({ id });
  await refused(here.getProjectByID({ id }), 5);
}

async function grants({ here, organization, oneof, refused }, projectId) {
  const { userId } = await here.addMachineUser({ userName: `${organization}-buyer`, name: "Buyer" });
  const { userGrantId: grantId } = await here.addUserGrant({ userId, projectId, roleKeys: ["buyer"] });
  await refused(here.addUserGrant({ userId, projectId, roleKeys: ["buyer"] }), 6);
  await here.updateUserGrant({ userId, grantId, roleKeys: ["a/b", "buyer"] });
  const listed = await here.listUserGrants({ queries: [oneof("projectIdQuery", { projectId })] });
  assert.deepEqual(listed.result.map((g) => [g.id, g.userId, [...g.roleKeys].sort()]), [[grantId, userId, ["a/b", "buyer"]]]);
  await here.removeUserGrant({ userId, grantId });
  await refused(here.getUserGrantByID({ userId, grantId }), 5);
}

// What is set of an OpenID Connect application is read back.
async function webApplication({ here, oneof, long, refused }, projectId) {
  const made = await here.addOIDCApp({ projectId, name: "Web", redirectUris: ["https://shop.example.com/callback"], responseTypes: [0], grantTypes: [0], appType: 0, authMethodType: 0 });
  assert.ok(made.clientId && made.clientSecret);
  const want = {
    redirectUris: ["com.example.shop://callback", "https://shop.example.com/callback"], responseTypes: [0], grantTypes: [0, 2], appType: 2, authMethodType: 2,
    postLogoutRedirectUris: ["https://shop.example.com/out"], devMode: true, accessTokenType: 1, accessTokenRoleAssertion: true, idTokenRoleAssertion: true,
    idTokenUserinfoAssertion: true, additionalOrigins: ["https://other.example.com"], skipNativeAppSuccessPage: true, backChannelLogoutUri: "https://shop.example.com/logout",
  };
  const update = { projectId, appId: made.appId, ...want, clockSkew: { seconds: long(1), nanos: 500_000_000 } };
  await here.updateOIDCAppConfig(update);
  await refused(here.updateOIDCAppConfig(update), 9);
  const { app } = await here.getAppByID({ projectId, appId: made.appId });
  const got = app.oidcConfig ?? app.config.value;
  for (const [field, value] of Object.entries(want)) assert.deepEqual(got[field], value, field);
  assert.deepEqual([Number(got.clockSkew.seconds), got.clockSkew.nanos, got.clientId], [1, 500_000_000, made.clientId]);
  await here.updateApp({ projectId, appId: made.appId, name: "Web 2" });
  const listed = await here.listApps({ projectId, queries: [oneof("nameQuery", { name: "web", method: 3 })] });
  assert.deepEqual(listed.result.map((a) => a.id), [made.appId]);
  await here.removeApp({ projectId, appId: made.appId });
  await refused(here.getAppByID({ projectId, appId: made.appId }), 5);
}

async function api({ here, readKey }, projectId) {
  const made = await here.addAPIApp({ projectId, name: "API", authMethodType: 0 });
  assert.ok(made.clientId && made.clientSecret);
  await here.updateAPIAppConfig({ projectId, appId: made.appId, authMethodType: 1 });
  const { app } = await here.getAppByID({ projectId, appId: made.appId });
  assert.equal((app.apiConfig ?? app.config.value).authMethodType, 1);
  const key = await here.addAppKey({ projectId, appId: made.appId, type: 1 });
  const file = JSON.parse(Buffer.from(key.keyDetails).toString());
  assert.deepEqual([file.type, file.keyId, file.appId, file.clientId], ["application", key.id, made.appId, made.clientId]);
  if (readKey) assert.equal(readKey(file).clientId, made.clientId);
  await here.removeAppKey({ projectId, appId: made.appId, keyId: key.id });
  await here.removeApp({ projectId, appId: made.appId });
}
