// Creates, lists, changes and removes each kind of object, with the clients it
// is given. Both published packages name the methods alike; what differs they
// bring along in client.mjs and node.mjs.
import assert from "node:assert/strict";
import { lists, policies } from "./lists.mjs";
import { projects } from "./projects.mjs";

// exercise works in an organization of its own. `management` returns the calls
// bound to an organization, or to the caller's; `code` is the code of an error,
// `oneof` a message with one member of its oneof set, `long` a 64-bit number.
export async function exercise(clients) {
  const { management, admin, auth, name, code, oneof } = clients;
  const refused = async (call, want) =>
    assert.equal(code(await call.then(() => undefined, (error) => error)), want);

  assert.ok((await auth.getMyUser({})).user.id);
  const { id } = await management().addOrg({ name });
  const all = { ...clients, here: management(id), organization: id, refused };

  await refused(management().addOrg({ name: "" }), 3);
  await refused(management("123456789012345678").getMyOrg({}), 7);
  const listed = await admin.listOrgs({ queries: [oneof("nameQuery", { name, method: 0 })] });
  assert.equal(Number(listed.details.totalResult), 1);
  assert.equal(listed.result[0].id, id);
  await organization(all);
  await person(all);
  await machine(all);
  await lists(all);
  await projects(all);
  await policies(all);
  await admin.removeOrg({ orgId: id });
  await refused(admin.getOrgByID({ id }), 5);
}

async function organization({ here, admin, name, organization: id, oneof, refused }) {
  await here.updateOrg({ name: `${name} renamed` });
  await refused(here.updateOrg({ name: `${name} renamed` }), 9);
  assert.equal((await admin.getOrgByID({ id })).org.name, `${name} renamed`);
  await here.addOrgDomain({ domain: `${id}.example.com` });
  await refused(here.addOrgDomain({ domain: `${id}.example.com` }), 6);
  assert.equal((await here.listOrgDomains({})).result.length, 2);
  const found = await here.listOrgDomains({ queries: [oneof("domainNameQuery", { name: `${id}.example.com`, method: 0 })] });
  assert.equal(found.result[0].orgId, id);
  await here.removeOrgDomain({ domain: `${id}.example.com` });

  await here.bulkSetOrgMetadata({ metadata: [{ key: "plan", value: Buffer.from("gold") }, { key: "raw", value: Buffer.from([0, 255]) }] });
  assert.equal(Buffer.from((await here.getOrgMetadata({ key: "plan" })).metadata.value).toString(), "gold");
  const metadata = await here.listOrgMetadata({ queries: [oneof("keyQuery", { key: "RA", method: 3 })] });
  assert.deepEqual(metadata.result.map((m) => [...m.value]), [[0, 255]]);
  await here.bulkRemoveOrgMetadata({ keys: ["plan", "raw"] });
  await refused(here.getOrgMetadata({ key: "plan" }), 5);
}

async function person({ here, organization: id, oneof, refused }) {
  const { userId } = await here.importHumanUser({
    userName: `${id}-ada`,
    profile: { firstName: "Ada", lastName: "Lovelace", preferredLanguage: "en", gender: 1 },
    email: { email: "ada@example.com", isEmailVerified: true },
    password: "Password1!",
  });
  await here.updateHumanProfile({ userId, firstName: "Augusta", lastName: "King", displayName: "Ada", preferredLanguage: "en", gender: 1 });
  await here.updateHumanEmail({ userId, email: "augusta@example.com", isEmailVerified: true });
  const users = await here.listUsers({ queries: [oneof("firstNameQuery", { firstName: "AUGUSTA", method: 1 })] });
  assert.deepEqual(users.result.map((u) => u.id), [userId]);
  await here.deactivateUser({ id: userId });
  await refused(here.deactivateUser({ id: userId }), 9);
  await here.reactivateUser({ id: userId });
  await here.setUserMetadata({ id: userId, key: "shoe", value: Buffer.from("38") });
  assert.equal(Buffer.from((await here.getUserMetadata({ id: userId, key: "shoe" })).metadata.value).toString(), "38");
  assert.ok((await here.listUserChanges({ userId })).result.length > 4);
  await here.removeUser({ id: userId });
  await refused(here.getUserByID({ id: userId }), 5);
}

async function machine({ here, admin, organization: id, oneof, refused, whoHasKey }) {
  const { userId } = await here.addMachineUser({ userName: `${id}-robot`, name: "Robot" });
  await refused(here.addMachineUser({ userName: `${id}-robot`, name: "Robot" }), 6);
  const token = await here.addPersonalAccessToken({ userId });
  assert.ok(token.token);
  await here.removePersonalAccessToken({ userId, tokenId: token.tokenId });
  const key = await here.addMachineKey({ userId, type: 1 });
  const file = JSON.parse(Buffer.from(key.keyDetails).toString());
  assert.deepEqual([file.type, file.keyId, file.userId], ["serviceaccount", key.keyId, userId]);
  if (whoHasKey) assert.equal(await whoHasKey(file), userId);
  await here.removeMachineKey({ userId, keyId: key.keyId });
  if (whoHasKey) await assert.rejects(whoHasKey(file));
  const secret = await here.generateMachineSecret({ userId });
  assert.ok(secret.clientId && secret.clientSecret);

  const queries = [oneof("userIdQuery", { userId })];
  await here.addOrgMember({ userId, roles: ["ORG_OWNER_VIEWER"] });
  await refused(here.addOrgMember({ userId, roles: ["ORG_OWNER_VIEWER"] }), 6);
  await here.updateOrgMember({ userId, roles: ["ORG_OWNER"] });
  assert.deepEqual((await here.listOrgMembers({ queries })).result[0].roles, ["ORG_OWNER"]);
  await here.removeOrgMember({ userId });
  await admin.addIAMMember({ userId, roles: ["IAM_OWNER_VIEWER"] });
  await admin.updateIAMMember({ userId, roles: ["IAM_ORG_MANAGER"] });
  const [member] = (await admin.listIAMMembers({ queries })).result;
  assert.deepEqual(member.roles, ["IAM_ORG_MANAGER"]);
  assert.notEqual(member.details.resourceOwner, id);
  await admin.removeIAMMember({ userId });
  await refused(admin.removeIAMMember({ userId }), 5);
}
