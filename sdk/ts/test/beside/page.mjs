// What runs in the browser; the test calls it.
import { BastideError, all, connect, createClient, key, token } from "@bastide-id/client/web";
import { AuthService, ManagementService, TextQueryMethod } from "@bastide-id/client/v1";

const open = ({ token: pat, key: file, ...options }) => connect({ ...options, auth: file ? key(file) : token(pat) });

async function failure(call) {
  try {
    await call;
    return null;
  } catch (error) {
    const { name, code, id, violations } = error;
    return error instanceof BastideError ? { name, code, id, violations } : { name: String(error) };
  }
}

globalThis.sdk = {
  async whoAmI(options) {
    const { user } = await createClient(AuthService, open(options)).getMyUser({});
    return user?.userName;
  },
  refused: (options) => failure(createClient(AuthService, open(options)).getMyUser({})),
  invalid: (options) => failure(createClient(ManagementService, open(options)).addMachineUser({})),
  async many({ prefix, ...options }) {
    const management = createClient(ManagementService, open(options));
    for (let n = 0; n < 5; n++) {
      await management.addMachineUser({ userName: prefix + n, name: "Bot" });
    }
    const names = [];
    const query = { case: "userNameQuery", value: { userName: prefix, method: TextQueryMethod.STARTS_WITH } };
    for await (const user of all(management.listUsers, { query: { limit: 2 }, queries: [{ query }] })) {
      names.push(user.userName);
    }
    return names;
  },
};
