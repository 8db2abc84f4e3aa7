// The packed SDK in Node, over each protocol.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  BastideError, Code, all, connect, createClient, inOrganization, key, keyFile, systemKey, token,
} from "@bastide-id/client/node";
import * as web from "@bastide-id/client/web";
import { AdminService, AuthService, ManagementService, SystemService } from "@bastide-id/client/v1";
import { OrganizationService } from "@bastide-id/client/v2";
import { ownerKeyPath, ownerToken, systemKeyPath, tenant, url } from "./server.mjs";

const kinds = {
  connect: (options) => connect({ protocol: "connect", ...options }),
  "grpc-web": (options) => connect({ protocol: "grpc-web", ...options }),
  grpc: (options) => connect({ protocol: "grpc", ...options }),
  "connect over fetch": (options) => web.connect({ protocol: "connect", ...options }),
  "grpc-web over fetch": (options) => web.connect({ protocol: "grpc-web", ...options }),
};

for (const [kind, open] of Object.entries(kinds)) {
  describe(kind, () => {
    const overFetch = kind.includes("fetch");
    const domain = `${kind.replaceAll(" ", "-")}.localhost`;
    const as = (auth, more) => open({ url, auth, ...more });

    test("a personal access token, and none", async () => {
      const { user } = await createClient(AuthService, as(token(ownerToken))).getMyUser({});
      assert.equal(user.id, JSON.parse(readFileSync(ownerKeyPath)).userId);
      await createClient(AuthService, open({ url })).healthz({});
      await assert.rejects(createClient(AuthService, open({ url })).getMyUser({}), {
        name: "BastideError",
        code: Code.Unauthenticated,
        id: "auth.token_invalid",
      });
    });

    test("a key file, by path and by content", async () => {
      for (const auth of [keyFile(ownerKeyPath), keyFile(readFileSync(ownerKeyPath, "utf8")), key(readFileSync(ownerKeyPath))]) {
        const { user } = await createClient(AuthService, as(auth)).getMyUser({});
        assert.ok(user.id);
      }
    });

    test("a key that the server does not know", async () => {
      const other = { ...JSON.parse(readFileSync(ownerKeyPath)), keyId: "1" };
      await assert.rejects(createClient(AuthService, as(key(JSON.stringify(other)))).getMyUser({}), (error) => {
        assert.ok(error instanceof BastideError);
        assert.equal(error.code, Code.Unauthenticated);
        assert.match(error.message, /gave no access token for the key: invalid_grant/);
        return true;
      });
    });

    test("a system key, and what its user may not", async () => {
      const transport = as(systemKey("system", systemKeyPath));
      const { result } = await createClient(SystemService, transport).listInstances({});
      assert.ok(result.length > 0);
      await assert.rejects(createClient(AuthService, transport).getMyUser({}), { code: Code.NotFound });
      await assert.rejects(
        createClient(SystemService, as(systemKey("nobody", systemKeyPath))).listInstances({}),
        { code: Code.Unauthenticated },
      );
    });

    test("errors tell the fields, and their ids", async () => {
      const system = createClient(SystemService, as(systemKey("system", systemKeyPath)));
      const email = { email: "not one" };
      const human = { case: "human", value: { userName: "ada", email, profile: { firstName: "", lastName: "L" } } };
      await assert.rejects(system.createInstance({ instanceName: "x", owner: human }), (error) => {
        assert.ok(error instanceof BastideError);
        assert.equal(error.code, Code.InvalidArgument);
        assert.ok(error.id);
        const fields = error.violations.map(({ field, rule }) => `${field} ${rule}`).sort();
        assert.deepEqual(fields, ["human.email.email string.email", "human.profile.first_name string.min_len"]);
        assert.ok(error.violations.every(({ message }) => message));
        assert.ok(!error.message.startsWith("["));
        return true;
      });
      const machine = { case: "machine", value: { userName: "o", name: "O" } };
      const { instanceId } = await system.createInstance({ instanceName: "x", customDomain: domain, owner: machine });
      const queries = [{ query: { case: "userIdQuery", value: {} } }, {}];
      await assert.rejects(system.listIAMMembers({ instanceId, queries }), ({ violations }) => {
        assert.deepEqual(violations.map(({ field }) => field), ["queries[1].query"]);
        return true;
      });
      await assert.rejects(system.createInstance({ instanceName: "x", customDomain: domain, owner: machine }), {
        code: Code.AlreadyExists,
        id: "domain.taken",
        violations: [],
      });
    });

    test("a list of many pages, each element once", async () => {
      const management = createClient(ManagementService, as(keyFile(ownerKeyPath)));
      const prefix = `bot.${kind.replaceAll(" ", "-")}.`;
      for (let n = 0; n < 7; n++) {
        await management.addMachineUser({ userName: `${prefix}${n}`, name: "Bot" });
      }
      const queries = [{ query: { case: "userNameQuery", value: { userName: prefix, method: 2 } } }];
      for (const [query, expected] of [[{ limit: 3, asc: true }, 7], [{ limit: 2, offset: 3n, asc: true }, 4], [{ limit: 7 }, 7], [undefined, 7]]) {
        const names = [];
        for await (const user of all(management.listUsers, { query, queries })) {
          names.push(user.userName);
        }
        assert.equal(names.length, expected);
        assert.equal(new Set(names).size, expected);
      }
      await assert.rejects(all(management.listUsers, { query: { limit: 100000 } }).next(), { id: "list.limit" });
    });

    test("the organization, of all calls and of one", async () => {
      const first = createClient(ManagementService, as(token(ownerToken)));
      const organizations = createClient(OrganizationService, as(token(ownerToken)));
      const { organizationId: id } = await organizations.addOrganization({ name: `of ${kind}` });
      const there = createClient(ManagementService, as(token(ownerToken), { organization: id }));
      assert.equal((await there.getMyOrg({})).org.id, id);
      assert.notEqual((await first.getMyOrg({})).org.id, id);
      assert.equal((await first.getMyOrg({}, inOrganization(id))).org.id, id);
    });

    test("a call with a deadline, and one that is given up", async () => {
      const auth = createClient(AuthService, as(token(ownerToken)));
      await auth.getMyUser({}, { timeoutMs: 60_000 });
      await assert.rejects(auth.getMyUser({}, { signal: AbortSignal.abort() }), { name: "BastideError", code: Code.Canceled });
    });

    // fetch asks the system's resolver, which need not know these names.
    test("a tenant by its name under localhost, whose owner's key works at once", { skip: overFetch }, async () => {
      const { url, id, key: file, token: pat } = await tenant(`tenant-${kind}`);
      for (const auth of [keyFile(file), token(pat)]) {
        const { instance } = await createClient(AdminService, open({ url, auth })).getMyInstance({});
        assert.equal(instance.id, id);
      }
      await assert.rejects(createClient(AuthService, open({ url, auth: token(ownerToken) })).getMyUser({}), {
        code: Code.Unauthenticated,
      });
    });
  });
}
