// The whole way through the page: with the mouse and with the keyboard alone, over
// gRPC-Web and over Connect.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkAccess, checkCalls, keyboard, mouse, open, sees, signIn, start } from "./page.js";
import { ownerToken, systemToken } from "./seed.js";

let site;
before(async () => {
  site = await start();
});
after(() => site.stop());

for (const [protocol, title] of [["grpc-web", "gRPC-Web"], ["connect", "Connect"]]) {
  for (const [way, handOf] of [["mouse", mouse], ["keyboard", keyboard]]) {
    test(`a tenant is made and entered by ${way} over ${title}`, async (t) => {
      const { page, calls } = await open(t, site);
      const hand = handOf(page);
      // The views are the same on every way: they are looked at on the first.
      const check = way === "mouse" && protocol === "grpc-web" ? checkAccess : () => {};
      const secret = await systemToken();
      const button = (name) => page.getByRole("button", { name, exact: true });
      const link = (name) => page.getByRole("link", { name, exact: true });

      await check(page);
      await hand.choose(page.getByLabel(title, { exact: true }));
      await signIn(page, hand, secret);
      await sees(page, "Instances");
      await page.getByRole("link", { name: "Bastide" }).waitFor();
      await check(page);

      await hand.press(page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "New instance" }));
      await sees(page, "New instance");
      await check(page);
      const domain = `${way}-${protocol}.localhost`;
      await hand.type(page.getByLabel("Name", { exact: true }), "Acme");
      await hand.type(page.getByLabel("Domain"), domain);
      await hand.type(page.getByLabel("First organization"), "Works");
      await hand.type(page.getByLabel("User name").first(), "robot");
      await hand.type(page.getByLabel("Display name"), "Robot");
      await hand.choose(page.getByLabel("Make a key file too"));
      await hand.press(button("Create the instance"));

      await page.getByRole("heading", { name: "Acme is ready" }).waitFor();
      const token = await page.getByLabel("The owner’s token").inputValue();
      assert.match(token, /\S{20,}/);
      const saved = page.waitForEvent("download");
      await hand.press(button("Save the owner’s key file"));
      assert.equal((await saved).suggestedFilename(), "Acme.key.json");
      await check(page);

      await hand.press(link("Show its members"));
      await sees(page, "Members");
      await page.getByRole("row", { name: /Robot/ }).getByText("IAM_OWNER").waitFor();
      assert.ok(!(await page.content()).includes(token), "the token is shown once");

      await hand.press(button("Sign out"));
      await signIn(page, hand, token, { url: new URL(page.url()).protocol + "//" + domain + ":" + new URL(process.env.BASTIDE_URL).port });
      await sees(page, "Overview");
      await page.getByRole("article", { name: "My user" }).getByText("Robot", { exact: true }).waitFor();
      await page.getByRole("article", { name: "My organization" }).getByText("Works", { exact: true }).waitFor();
      await page.getByRole("article", { name: "The instance" }).getByText(domain).waitFor();
      await check(page);

      await hand.press(link("Members"));
      await sees(page, "Members");
      await page.getByRole("row", { name: /Robot/ }).waitFor();
      await check(page);
      await hand.press(link("New instance"));
      await page.getByRole("heading", { name: "A system token is needed" }).waitFor();
      await check(page);

      checkCalls(calls, protocol, secret, token);
    });
  }
}

test("a new tenant is entered as its owner at once", async (t) => {
  const { page } = await open(t, site);
  const hand = mouse(page);
  await signIn(page, hand, await systemToken());
  await page.getByRole("link", { name: "New instance" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Forth");
  await page.getByLabel("User name").first().fill("robot");
  await page.getByLabel("Display name").fill("Robot");
  await page.getByRole("button", { name: "Create the instance" }).click();
  await page.getByRole("button", { name: "Sign in as its owner" }).click();
  await sees(page, "Overview");
  await page.getByRole("article", { name: "The instance" }).getByText("Forth", { exact: true }).waitFor();
});

test("a person as owner", async (t) => {
  const { page } = await open(t, site);
  const hand = keyboard(page);
  await signIn(page, hand, await systemToken());
  await sees(page, "Instances");
  await hand.press(page.getByRole("navigation").getByRole("link", { name: "New instance" }));
  await hand.type(page.getByLabel("Name", { exact: true }), "Crafts");
  await hand.choose(page.getByLabel("A person"));
  await hand.type(page.getByLabel("First name"), "Ada");
  await hand.type(page.getByLabel("Last name"), "Lovelace");
  await hand.type(page.getByLabel("E-mail"), "ada@crafts.example");
  await hand.choose(page.getByLabel("The address is proved"));
  await checkAccess(page);
  await hand.press(page.getByRole("button", { name: "Create the instance" }));
  await page.getByRole("heading", { name: "Crafts is ready" }).waitFor();
  assert.equal(await page.getByLabel("The owner’s token").count(), 0);
  await hand.press(page.getByRole("link", { name: "Show its members" }));
  await page.getByRole("row", { name: /Ada Lovelace/ }).getByText("ada@crafts.example").waitFor();
});

test("the protocol changes while signed in", async (t) => {
  const { page, calls } = await open(t, site);
  await signIn(page, mouse(page), ownerToken());
  await page.getByRole("article", { name: "My user" }).getByText("owner", { exact: true }).waitFor();
  checkCalls(calls.splice(0), "grpc-web");
  const asked = page.waitForRequest((request) => request.headers()["content-type"] === "application/proto");
  await keyboard(page).choose(page.getByLabel("Connect", { exact: true }));
  await asked;
  await page.getByRole("article", { name: "My user" }).getByText("owner", { exact: true }).waitFor();
});

test("a reload forgets the token, unless it is to be kept", async (t) => {
  const { page } = await open(t, site);
  const stored = () => page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie]));
  const token = ownerToken();
  await signIn(page, mouse(page), token);
  await sees(page, "Overview");
  assert.ok(!(await stored()).includes(token));
  await page.reload();
  await signIn(page, mouse(page), token, { keep: true });
  await sees(page, "Overview");
  await page.reload();
  await sees(page, "Overview");
  await page.getByRole("button", { name: "Sign out" }).click();
  assert.ok(!(await stored()).includes(token));
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});
