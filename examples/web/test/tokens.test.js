// Whom a token is sent to, and what is left of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mouse, open, sees, signIn, start } from "./page.js";
import { ownerToken, server, systemToken } from "./seed.js";

let site;
before(async () => {
  site = await start();
});
after(() => site.stop());

// filled signs in as the system user and fills the form for an instance.
async function filled(t, name, domain) {
  const { page } = await open(t, site);
  await signIn(page, mouse(page), await systemToken());
  await page.getByRole("navigation").getByRole("link", { name: "New instance" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Domain").fill(domain);
  await page.getByLabel("User name").first().fill("robot");
  await page.getByLabel("Display name").fill("Robot");
  return page;
}

const create = (page) => page.getByRole("button", { name: "Create the instance" }).click();
const owner = (page) => page.getByRole("button", { name: "Sign in as its owner" });

test("the owner's token goes to the generated domain, and not to what was typed", async (t) => {
  const page = await filled(t, "Careful", "mistyped.localhost");
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).hostname));
  await create(page);
  const title = await owner(page).innerText();
  assert.match(title, / at careful-\w+\.localhost:\d+$/);
  await owner(page).click();
  await sees(page, "Overview");
  await page.getByRole("article", { name: "The instance" }).getByText("Careful", { exact: true }).waitFor();
  assert.ok(title.endsWith(` at ${await page.locator("#account-server").innerText()}`));
  assert.ok(!asked.includes("mistyped.localhost"));
});

test("where the generated domain leads nowhere, the button names the other one", async (t) => {
  const page = await filled(t, "Elsewhere", "elsewhere-own.localhost");
  await page.route(/\/\/elsewhere-\w{6}\.localhost/, (route) => route.abort("namenotresolved"));
  await create(page);
  const host = `elsewhere-own.localhost:${new URL(server).port}`;
  assert.equal(await owner(page).innerText(), `Sign in as its owner at ${host}`);
  await owner(page).click();
  await sees(page, "Overview");
  assert.equal(await page.locator("#account-server").innerText(), host);
});

test("where no domain of the instance leads to the server, the token stays on the page", async (t) => {
  const page = await filled(t, "Nowhere", "nowhere-own.localhost");
  await page.route(/\/\/nowhere-\w+\.localhost/, (route) => route.abort("namenotresolved"));
  await create(page);
  await page.locator("#create-result").getByText("Its domains do not lead to the server from here.").waitFor();
  assert.equal(await owner(page).count(), 0);
  assert.match(await page.getByLabel("The owner’s token").inputValue(), /\S{20,}/);
});

// waiting begins to create the instance, and returns what lets the server answer.
async function waiting(page) {
  let release;
  const held = new Promise((done) => (release = done));
  await page.route(/CreateInstance/, async (route) => {
    await held;
    await route.continue();
  });
  const sent = page.waitForRequest(/CreateInstance/);
  await create(page);
  await sent;
  return release;
}

test("what is made while another view is shown waits where it was asked for", async (t) => {
  const page = await filled(t, "Patient", "");
  const release = await waiting(page);
  const to = (name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  await to("Instances");
  await sees(page, "Instances");
  release();
  await page.getByText("Patient is ready: see New instance").waitFor({ state: "attached" });
  await to("New instance");
  assert.match(await page.getByLabel("The owner’s token").inputValue(), /\S{20,}/);
  await owner(page).waitFor();
});

test("what is made after signing out is not shown", async (t) => {
  const page = await filled(t, "Late", "");
  const release = await waiting(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const answered = page.waitForResponse(/CreateInstance/);
  release();
  assert.equal((await answered).status(), 200);
  await page.locator("#create-form:not([aria-busy])").waitFor({ state: "attached" });
  assert.equal(await page.locator("#create-result").innerHTML(), "");
});

test("an address that cannot be read leads to the first view", async (t) => {
  const { page } = await open(t, site);
  const misread = () => page.evaluate(() => (location.hash = "#/members/%E0"));
  await misread();
  await signIn(page, mouse(page), await systemToken());
  await sees(page, "Instances");
  await page.getByRole("navigation").getByRole("link", { name: "New instance" }).click();
  await sees(page, "New instance");
  await misread();
  await sees(page, "Instances");
});

for (const broken of ["{", "null", '{"url":1,"token":"x"}']) {
  test(`what was kept and is broken is forgotten: ${broken}`, async (t) => {
    const { page } = await open(t, site);
    await page.evaluate((text) => sessionStorage.setItem("bastide.credentials", text), broken);
    await page.reload();
    await signIn(page, mouse(page), ownerToken());
    await sees(page, "Overview");
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
}
