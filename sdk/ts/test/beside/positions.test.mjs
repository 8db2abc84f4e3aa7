// Two processes on one PostgreSQL: what a client has written through one, it reads through the other.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Code, connect, createClient, token } from "@bastide-id/client/node";
import * as web from "@bastide-id/client/web";
import { AdminService, AuthService, ManagementService } from "@bastide-id/client/v1";
import { data, ownerToken, url } from "./server.mjs";

const database = process.env.BASTIDE_TEST_DSN;
const kinds = { connect: [connect, "connect"], "grpc-web": [connect, "grpc-web"], "connect over fetch": [web.connect, "connect"] };

describe("two processes", { skip: !database && "SQLite has one" }, () => {
  let second, directory, balancer, behind, at;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "bastide-"));
    const options = { "--listen": "127.0.0.1:0", "--data-dir": directory, "--database": database, "--master-key-file": `${data}/master.key` };
    second = spawn("bastide", ["serve", ...Object.entries(options).flat()], { stdio: ["ignore", "pipe", "inherit"] });
    const greeting = await new Promise((resolve) => second.stdout.once("data", resolve));
    behind = [url, /running at (\S+)/.exec(greeting)[1]];
    balancer = createServer((asked, answer) => {
      const { port } = new URL(behind[at]);
      const passed = request({ host: "127.0.0.1", port, path: asked.url, method: asked.method, headers: asked.headers }, (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      asked.pipe(passed);
    });
    await new Promise((resolve) => balancer.listen(0, "127.0.0.1", resolve));
  });

  after(async () => {
    balancer?.close();
    balancer?.closeAllConnections();
    if (second) {
      const ended = new Promise((resolve) => second.once("exit", resolve));
      second.kill();
      await ended;
    }
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [kind, [open, protocol]] of Object.entries(kinds)) {
    test(kind, async () => {
      const owner = connect({ url, auth: token(ownerToken) });
      const management = createClient(ManagementService, owner);
      const { userId } = await management.addMachineUser({ userName: `positions ${kind}`, name: "Bot" });
      await createClient(AdminService, owner).addIAMMember({ userId, roles: ["IAM_OWNER"] });
      for (let n = 0; n < 20; n++) {
        const { token: pat, tokenId } = await management.addPersonalAccessToken({ userId });
        const through = open({ url: `http://127.0.0.1:${balancer.address().port}`, auth: token(pat), protocol });
        const [writes, reads] = n % 2 ? [0, 1] : [1, 0];
        at = reads;
        const auth = createClient(AuthService, through);
        await auth.getMyUser({}); // now this process knows the token by heart
        await auth.getMyUser({});
        at = writes;
        await createClient(ManagementService, through).removePersonalAccessToken({ userId, tokenId });
        at = reads;
        await assert.rejects(auth.getMyUser({}), { name: "BastideError", code: Code.Unauthenticated });
      }
    });
  }
});
