// Lists that are sorted, cut into pages and filtered; and policies.
import assert from "node:assert/strict";

export async function lists({ here, organization, oneof, long, refused }) {
  for (const name of ["Bob", "alice", "carol"]) await here.addMachineUser({ userName: `${organization}-${name}`, name });
  const ofThese = oneof("userNameQuery", { userName: `${organization}-`, method: 2 });
  const list = async (query, ...queries) => {
    const answer = await here.listUsers({ query, sortingColumn: 5, queries: [ofThese, ...queries] });
    return answer.result.map((u) => (u.machine ?? u.type.value).name).filter((name) => name !== "Robot");
  };
  assert.deepEqual(await list({ asc: true }), ["alice", "Bob", "carol"]);
  assert.deepEqual(await list({ asc: false }), ["carol", "Bob", "alice"]);
  assert.deepEqual(await list({ asc: true, offset: long(1), limit: 1 }), ["Bob"]);
  assert.deepEqual(await list({ offset: long(99) }), []);
  assert.deepEqual(await list({ asc: true }, oneof("displayNameQuery", { displayName: "O", method: 5 })), ["Bob", "carol"]);
  assert.deepEqual(await list({ asc: true }, oneof("displayNameQuery", { displayName: "%", method: 4 })), []);
  await refused(here.listUsers({ query: { limit: 100_000 } }), 3);
}

// The second update of a policy to the same values changes nothing, which
// clients know by its code.
export async function policies({ here, admin, organization, refused, long }) {
  assert.equal((await here.getPasswordComplexityPolicy({})).policy.isDefault, true);
  await refused(here.updateCustomPasswordComplexityPolicy({ minLength: long(12) }), 5);
  await here.addCustomPasswordComplexityPolicy({ minLength: long(12) });
  await refused(here.addCustomPasswordComplexityPolicy({ minLength: long(12) }), 6);
  await refused(here.updateCustomPasswordComplexityPolicy({ minLength: long(12) }), 9);
  const { policy } = await here.getPasswordComplexityPolicy({});
  assert.deepEqual([Number(policy.minLength), policy.isDefault, policy.details.resourceOwner], [12, false, organization]);
  await here.resetPasswordComplexityPolicyToDefault({});
  assert.equal((await here.getPasswordComplexityPolicy({})).policy.isDefault, true);

  const before = (await admin.getLockoutPolicy({})).policy;
  await admin.updateLockoutPolicy({ maxPasswordAttempts: 17 });
  await refused(admin.updateLockoutPolicy({ maxPasswordAttempts: 17 }), 9);
  assert.equal(Number((await here.getLockoutPolicy({})).policy.maxPasswordAttempts), 17);
  await admin.updateLockoutPolicy({ maxPasswordAttempts: Number(before.maxPasswordAttempts), maxOtpAttempts: Number(before.maxOtpAttempts) });

  await admin.addCustomDomainPolicy({ orgId: organization, userLoginMustBeDomain: true });
  await refused(admin.updateCustomDomainPolicy({ orgId: organization, userLoginMustBeDomain: true }), 9);
  const me = (await here.listUsers({})).result[0];
  assert.match(me.preferredLoginName, /@/);
  await admin.resetCustomDomainPolicyToDefault({ orgId: organization });
}
