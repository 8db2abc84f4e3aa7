// Search, sorting and paging of members, beside a tenant with some dozens of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkAccess, checkCalls, keyboard, mouse, note, open, sees, signIn, start } from "./page.js";
import { addMembers, people, systemToken, tenant } from "./seed.js";

let site, acme, ids;
before(async () => {
  site = await start();
  acme = await tenant("Acme", "members.localhost");
  ids = await addMembers(acme);
});
after(() => site.stop());

const total = people.length + 1; // with the owner

// opened opens the list as the tenant's owner.
async function opened(t, options) {
  const { page, calls } = await open(t, site, options);
  await signIn(page, mouse(page), acme.token, { url: acme.url });
  await sees(page, "Overview");
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await shows(page, `1–10 of ${total} members`);
  return { page, calls };
}

// shows waits for what the list says of itself, and returns the names in it.
async function shows(page, range) {
  await page.locator("#members-list .range").getByText(range, { exact: true }).waitFor();
  await page.locator("#members-list .frame:not([aria-busy])").waitFor();
  return page.locator("#members-list tbody strong").allInnerTexts();
}

for (const [way, handOf] of [["mouse", mouse], ["keyboard", keyboard]]) {
  test(`pages lead on and back by ${way}`, async (t) => {
    const { page } = await opened(t);
    const hand = handOf(page);
    const [previous, next] = ["Previous", "Next"].map((name) => page.getByRole("button", { name }));
    const pages = [await shows(page, `1–10 of ${total} members`)];
    for (const range of ["11–20", "21–30", "31–37"]) {
      await hand.press(next);
      pages.push(await shows(page, `${range} of ${total} members`));
    }
    assert.equal(new Set(pages.flat()).size, total);
    assert.equal(await next.getAttribute("aria-disabled"), "true");
    await hand.press(previous);
    assert.deepEqual(await shows(page, `21–30 of ${total} members`), pages[2]);
    await page.locator("#members").getByLabel("Rows").selectOption("50");
    assert.equal((await shows(page, `1–37 of ${total} members`)).length, total);
    assert.equal(await previous.getAttribute("aria-disabled"), "true");
    if (way === "mouse") {
      await checkAccess(page); // it is the same list on the other way
    }
  });

  test(`columns sort by ${way}`, async (t) => {
    const { page } = await opened(t);
    const hand = handOf(page);
    const newest = await shows(page, `1–10 of ${total} members`);
    assert.deepEqual(newest, people.slice(-10).reverse().map(({ first, last }) => `${first} ${last}`));
    const heading = (name) => page.getByRole("columnheader", { name });
    assert.equal(await heading("Added").getAttribute("aria-sort"), "descending");
    await hand.press(heading("Added").getByRole("button"));
    await page.locator("th[aria-sort=ascending]").waitFor();
    await page.getByRole("row", { name: /Provisioner/ }).waitFor();
    assert.equal((await shows(page, `1–10 of ${total} members`))[1], "Ada Lovelace");
    await hand.press(heading("User id").getByRole("button"));
    assert.equal(await heading("User id").getAttribute("aria-sort"), "ascending");
    await page.getByRole("cell", { name: [...ids].sort()[0] }).waitFor();
  });
}

test("members are found by each field and method", async (t) => {
  const { page } = await opened(t);
  const search = async (text, field, method, matchCase = false) => {
    await page.getByLabel("In", { exact: true }).selectOption(field);
    if (method) {
      await page.getByLabel("How", { exact: true }).selectOption(method);
      await page.getByLabel("Match case").setChecked(matchCase);
    }
    await page.getByLabel("Search").fill(text);
    await page.getByLabel("Search").press("Enter");
  };
  await search("ada", "First name", "starts with");
  assert.equal((await shows(page, "1–6 of 6 members")).every((name) => name.startsWith("Ada")), true);
  await search("ada", "First name", "is exactly");
  await shows(page, "1–3 of 3 members");
  await search("ada", "First name", "is exactly", true);
  await shows(page, "0 members");
  await page.getByText("Nobody matches.").waitFor();
  await checkAccess(page);
  await search("Carthy", "Last name", "ends with", true);
  await shows(page, "1–10 of 12 members");
  await search("émi", "First name", "contains");
  await shows(page, "1–3 of 3 members");
  await search("GRACE.TURING@", "E-mail", "contains");
  assert.deepEqual(await shows(page, "1–1 of 1 member"), ["Grace Turing"]);
  await search(ids[4], "User id");
  assert.deepEqual(await shows(page, "1–1 of 1 member"), ["Claude Lovelace"]);
  assert.ok(await page.getByLabel("How", { exact: true }).isDisabled());
  await search("", "First name");
  await shows(page, `1–10 of ${total} members`);
});

test("a search waits until nothing more is typed", async (t) => {
  const { page, calls } = await opened(t);
  await page.clock.install();
  calls.length = 0;
  await page.getByLabel("Search").pressSequentially("hedy");
  await page.clock.runFor(200);
  assert.equal(calls.length, 0);
  const asked = page.waitForRequest(/ListIAMMembers/);
  await page.clock.runFor(100);
  await asked;
  await shows(page, "1–3 of 3 members");
  assert.equal(calls.length, 1);
});

test("a newer search ends an older one", async (t) => {
  const { page } = await opened(t);
  let release;
  const held = new Promise((done) => (release = done));
  await page.route(/ListIAMMembers/, async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  const older = page.waitForRequest(/ListIAMMembers/);
  await page.getByLabel("Search").fill("ada");
  await page.getByLabel("Search").press("Enter");
  const ended = page.waitForEvent("requestfailed");
  const request = await older;
  await page.getByLabel("Search").fill("hedy");
  await page.getByLabel("Search").press("Enter");
  assert.equal(await ended, request);
  await shows(page, "1–3 of 3 members");
  release();
});

test("the members of each instance are there for a system user", async (t) => {
  const { page, calls } = await open(t, site);
  const hand = keyboard(page);
  await hand.choose(page.getByLabel("Connect", { exact: true }));
  await signIn(page, hand, await systemToken());
  await sees(page, "Instances");
  await hand.press(page.getByRole("row", { name: /members\.localhost/ }).getByRole("link"));
  await sees(page, "Members");
  await shows(page, `1–10 of ${total} members`);
  await hand.type(page.getByLabel("Search"), "grace");
  await page.keyboard.press("Enter");
  await shows(page, "1–3 of 3 members");
  assert.ok(calls.some((call) => call.url().endsWith("/zitadel.system.v1.SystemService/ListIAMMembers")));
  checkCalls(calls, "connect");
});

test("what is wrong with a search is said beside it", async (t) => {
  const { page } = await opened(t);
  await page.getByLabel("Search").fill("x".repeat(201));
  await page.getByLabel("Search").press("Enter");
  assert.match(await note(page, page.getByLabel("Search")), /200/);
  await page.getByLabel("Search").fill("");
  await page.getByLabel("Search").press("Enter");
  await page.locator("#search-text:not([aria-invalid])").waitFor();
  await shows(page, `1–10 of ${total} members`);
});

test("a page that the server does not know any more begins anew", async (t) => {
  const { page } = await opened(t);
  await page.route(/ListIAMMembers/, (route) => {
    const headers = { ...route.request().headers(), "x-bastide-page-token": "stale" };
    return route.continue({ headers });
  }, { times: 1 });
  await page.getByRole("button", { name: "Next" }).click();
  await shows(page, `1–10 of ${total} members`);
  assert.equal(await page.getByRole("alert").filter({ hasText: /\S/ }).count(), 0);
});

for (const colorScheme of ["light", "dark"]) {
  test(`a small ${colorScheme} screen shows all of it`, async (t) => {
    const { page } = await opened(t, { colorScheme, viewport: { width: 360, height: 740 } });
    await checkAccess(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.ok(!wide, "nothing lies beside the screen");
    await page.getByRole("link", { name: "Overview" }).click();
    await sees(page, "Overview");
    await checkAccess(page);
  });
}
