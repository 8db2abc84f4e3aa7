// Creates, lists, changes and removes each kind of object, with the clients it
// is given. Both published packages name the methods alike; what differs is in
// connect.mjs.
import assert from "node:assert/strict";

// of returns the calls bound to an organization.
export async function exercise({ management, admin, auth, name, code, oneof }) {
  const refused = async (call, want) =>
    assert.equal(code(await call.then(() => undefined, (error) => error)), want);

  const me = (await auth.getMyUser({})).user;
  assert.ok(me.id);

  // Organizations.
  const { id } = await management().addOrg({ name });
  const here = management(id);
  const listed = await admin.listOrgs({ queries: [oneof("nameQuery", { name, method: 0 })] });
  assert.equal(Number(listed.details.totalResult), 1);
  assert.equal(listed.result[0].id, id);
  await here.updateOrg({ name: `${name} renamed` });
  assert.equal((await admin.getOrgByID({ id })).org.name, `${name} renamed`);
  await here.addOrgDomain({ domain: `${id}.example.com` });
  assert.equal((await here.listOrgDomains({})).result.length, 2);
  await here.removeOrgDomain({ domain: `${id}.example.com` });
  await here.setOrgMetadata({ key: "plan", value: Buffer.from("gold") });
  assert.equal(Buffer.from((await here.getOrgMetadata({ key: "plan" })).metadata.value).toString(), "gold");
  await here.removeOrgMetadata({ key: "plan" });

  // People.
  const { userId } = await here.importHumanUser({
    userName: `${id}-ada`,
    profile: { firstName: "Ada", lastName: "Lovelace", nickName: "", displayName: "", preferredLanguage: "en", gender: 1 },
    email: { email: "ada@example.com", isEmailVerified: true },
    password: "Password1!",
  });
  await here.updateHumanProfile({ userId, firstName: "Augusta", lastName: "King", nickName: "", displayName: "Ada", preferredLanguage: "en", gender: 1 });
  const users = await here.listUsers({ queries: [oneof("firstNameQuery", { firstName: "AUGUSTA", method: 1 })] });
  assert.deepEqual(users.result.map((u) => u.id), [userId]);
  await here.deactivateUser({ id: userId });
  await here.reactivateUser({ id: userId });

  // Machines.
  const machine = await here.addMachineUser({ userName: `${id}-robot`, name: "Robot", description: "", accessTokenType: 0 });
  const token = await here.addPersonalAccessToken({ userId: machine.userId });
  assert.ok(token.token);
  await here.removePersonalAccessToken({ userId: machine.userId, tokenId: token.tokenId });
  const key = await here.addMachineKey({ userId: machine.userId, type: 1, publicKey: Buffer.alloc(0) });
  assert.equal(JSON.parse(Buffer.from(key.keyDetails).toString()).type, "serviceaccount");
  await here.removeMachineKey({ userId: machine.userId, keyId: key.keyId });

  // Members.
  await here.addOrgMember({ userId: machine.userId, roles: ["ORG_OWNER_VIEWER"] });
  await here.updateOrgMember({ userId: machine.userId, roles: ["ORG_OWNER"] });
  const members = await here.listOrgMembers({ queries: [oneof("userIdQuery", { userId: machine.userId })] });
  assert.deepEqual(members.result[0].roles, ["ORG_OWNER"]);
  await here.removeOrgMember({ userId: machine.userId });

  // Projects, roles, applications, grants.
  const project = await here.addProject({ name: "Shop", projectRoleAssertion: false, projectRoleCheck: false, hasProjectCheck: false, privateLabelingSetting: 0, admins: [] });
  await here.updateProject({ id: project.id, name: "Shop 2", projectRoleAssertion: false, projectRoleCheck: false, hasProjectCheck: false, privateLabelingSetting: 0 });
  await here.addProjectRole({ projectId: project.id, roleKey: "buyer", displayName: "Buyer", group: "" });
  const grant = await here.addUserGrant({ userId, projectId: project.id, projectGrantId: "", roleKeys: ["buyer"] });
  assert.equal((await here.listUserGrants({ queries: [] })).result.length, 1);
  await here.removeUserGrant({ userId, grantId: grant.userGrantId });
  const app = await here.addAPIApp({ projectId: project.id, name: "API", authMethodType: 0 });
  assert.ok(app.clientId && app.clientSecret);
  await here.removeApp({ projectId: project.id, appId: app.appId });
  await here.removeProject({ id: project.id });

  await here.removeUser({ id: userId });
  await refused(here.getUserByID({ id: userId }), 5);
  await admin.removeOrg({ orgId: id });
  await refused(admin.getOrgByID({ id }), 5);
}
