// What goes wrong is said beside the field that it is about, or else in one place.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { BastideError, Code, timestampFromDate } from "@bastide-id/client/node";
import { checkAccess, keyboard, mouse, note, open, sees, signIn, start } from "./page.js";
import { clientsOf, ownerToken, server, systemToken, tenant } from "./seed.js";

let site, home, reader;
before(async () => {
  site = await start();
  home = await tenant("Errors", "errors.localhost");
  reader = (await home.management.addMachineUser({ userName: "reader", name: "Reader" })).userId;
});
after(() => site.stop());

const problem = (page) => page.getByRole("alert").filter({ hasText: /\S/ });

// inForm signs in and opens the form.
async function inForm(t, title) {
  const { page } = await open(t, site);
  const hand = mouse(page);
  await hand.choose(page.getByLabel(title, { exact: true }));
  await signIn(page, hand, await systemToken());
  await sees(page, "Instances");
  await page.getByRole("navigation").getByRole("link", { name: "New instance" }).click();
  await sees(page, "New instance");
  return page;
}

for (const title of ["gRPC-Web", "Connect"]) {
  test(`what is wrong with a new instance is said beside each field over ${title}`, async (t) => {
    const page = await inForm(t, title);
    const create = page.getByRole("button", { name: "Create the instance" });
    await page.getByLabel("A person").check();
    await page.getByLabel("First name").fill("Ada");
    await create.click();
    const name = page.getByLabel("Name", { exact: true });
    assert.match(await note(page, name), /at least 1/);
    assert.match(await note(page, page.getByLabel("E-mail")), /email address/);
    assert.match(await note(page, page.getByLabel("Last name")), /at least 1/);
    assert.ok(await name.evaluate((field) => field === document.activeElement), "the first field has the focus");
    assert.equal(await page.locator("[aria-invalid]").count(), 3);
    await checkAccess(page);

    await name.fill("Acme");
    assert.equal(await name.getAttribute("aria-invalid"), null);
    await page.getByLabel("Last name").fill("Lovelace");
    await page.getByLabel("E-mail").fill("ada@acme.example");
    await page.getByLabel("Domain").fill("not a domain");
    await page.getByLabel("Password").fill("short");
    await create.click();
    const domain = page.getByLabel("Domain");
    assert.match(await note(page, domain), /host name/);

    await domain.fill("errors.localhost");
    await page.getByLabel("Password").fill("");
    await create.click();
    await page.locator("#custom-domain-note").getByText("errors.localhost already").waitFor();
    assert.ok(await domain.evaluate((field) => field === document.activeElement));
    assert.equal(await problem(page).count(), 0);
  });
}

test("what is wrong with a machine as owner is said beside each field", async (t) => {
  const page = await inForm(t, "gRPC-Web");
  await page.getByLabel("Name", { exact: true }).fill("Acme");
  await page.getByLabel("Token expires").fill("2020-01-01");
  await page.getByLabel("Language").fill("nowhere-");
  await page.getByRole("button", { name: "Create the instance" }).click();
  assert.match(await note(page, page.getByLabel("User name").first()), /at least 1/);
  assert.match(await note(page, page.getByLabel("Display name")), /at least 1/);
  assert.match(await note(page, page.getByLabel("Token expires")), /greater than now/);
});

test("a sign-in without an address or a token, and with an odd one", async (t) => {
  const { page } = await open(t, site);
  const hand = keyboard(page);
  await signIn(page, hand, "", { url: "localhost" });
  assert.match(await note(page, page.getByLabel("Server")), /address/);
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /empty/);
  assert.ok(await page.getByLabel("Server").evaluate((field) => field === document.activeElement));
  await signIn(page, hand, "tökén", { url: server });
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /ASCII/);
  await checkAccess(page);
});

test("a token that the server does not know", async (t) => {
  const { page } = await open(t, site);
  await signIn(page, mouse(page), "nobodys-token");
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /does not know this token/);
  assert.ok(await page.getByLabel("Token", { exact: true }).evaluate((field) => field === document.activeElement));
});

test("a token of another tenant", async (t) => {
  const { page } = await open(t, site);
  await signIn(page, mouse(page), home.token, { url: server });
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /does not know this token/);
});

test("a server that is not there", async (t) => {
  const { page } = await open(t, site);
  await signIn(page, mouse(page), ownerToken(), { url: `http://127.0.0.1:${await freePort()}` });
  await problem(page).getByText("Unavailable").waitFor();
  await problem(page).getByText("The server cannot be reached").waitFor();
});

test("a server that goes away while somebody is signed in, and comes back", async (t) => {
  const { page } = await open(t, site);
  await signIn(page, mouse(page), ownerToken());
  await sees(page, "Overview");
  await page.getByRole("article", { name: "My user" }).getByText("Machine").waitFor();
  await page.route(/zitadel/, (route) => route.abort("connectionrefused"));
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await problem(page).getByText("The server cannot be reached").waitFor();
  await checkAccess(page);
  await page.unrouteAll();
  await page.getByLabel("Search").press("Enter");
  await page.getByRole("row", { name: /Owner/ }).waitFor();
  await problem(page).waitFor({ state: "detached" });
});

test("a token that is revoked while somebody is signed in", async (t) => {
  const { page } = await open(t, site);
  const { tokenId, token } = await home.management.addPersonalAccessToken({ userId: reader });
  await signIn(page, mouse(page), token, { url: home.url, keep: true });
  await sees(page, "Overview");
  await home.management.removePersonalAccessToken({ userId: reader, tokenId });
  await page.getByRole("link", { name: "Members", exact: true }).click();
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /not valid any more/);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await checkAccess(page);
});

test("a token that has expired", async (t) => {
  const { page } = await open(t, site);
  const expirationDate = timestampFromDate(new Date(Date.now() + 2000));
  const { token } = await home.management.addPersonalAccessToken({ userId: reader, expirationDate });
  await refused(home.url, token);
  await signIn(page, mouse(page), token, { url: home.url });
  assert.match(await note(page, page.getByLabel("Token", { exact: true })), /not any more/);
});

test("somebody without a role is told what is missing", async (t) => {
  const { page } = await open(t, site);
  const { token } = await home.management.addPersonalAccessToken({ userId: reader });
  await signIn(page, mouse(page), token, { url: home.url });
  await page.getByRole("article", { name: "My user" }).getByText("Reader", { exact: true }).waitFor();
  await page.getByRole("article", { name: "The instance" }).getByText("Permission denied · auth.permission_missing").waitFor();
  await checkAccess(page);
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await sees(page, "Members");
  await problem(page).getByText("Permission denied · auth.permission_missing").waitFor();
});

// refused waits until the server takes the token no longer.
async function refused(url, token) {
  const { management } = clientsOf(url, token);
  for (;;) {
    try {
      await management.getMyOrg({});
    } catch (error) {
      if (error instanceof BastideError && error.code === Code.Unauthenticated) {
        return;
      }
      if (!(error instanceof BastideError && error.code === Code.PermissionDenied)) {
        throw error;
      }
    }
  }
}

// freePort returns a port that nobody listens on.
function freePort() {
  return new Promise((found) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => found(port));
    });
  });
}
