// The reference page in a browser that reaches nothing but the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const url = process.env.BASTIDE_URL;
const token = readFileSync(join(process.env.BASTIDE_DATA_DIR, "owner.pat"), "utf8").trim();
const GetMyUser = "#operations-AuthService-AuthService_GetMyUser";
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

// open shows the page, and says what went wrong in it and whom it asked.
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  // Machines that build much else at once take their time to render.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints = [];
  const strangers = [];
  await context.route("**/*", (route) => {
    const asked = new URL(route.request().url());
    if (asked.origin === new URL(url).origin || asked.protocol === "data:") {
      return route.continue();
    }
    strangers.push(asked.href);
    return route.abort();
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${url}/docs`);
  await page.locator(".opblock-tag").first().waitFor();
  return { context, page, complaints, strangers };
}

// clean asserts that a page had nothing to complain of and asked nobody else.
function clean({ complaints, strangers }) {
  assert.deepEqual(complaints, []);
  assert.deepEqual(strangers, []);
}

async function authorize(page) {
  await page.getByRole("button", { name: "Authorize" }).first().click();
  await page.locator(".modal-ux #auth-bearer-value").fill(token);
  await page.locator(".modal-ux").getByRole("button", { name: "Apply credentials" }).first().click();
  await page.locator(".modal-ux").getByRole("button", { name: "Close" }).last().click();
}

test("shows all services, and every method of one that is opened", async () => {
  const opened = await open();
  const { page, context } = opened;
  const document = await (await fetch(`${url}/openapi.json`)).json();
  const tags = await page.locator(".opblock-tag").evaluateAll((all) => all.map((one) => one.dataset.tag));
  assert.deepEqual(tags, document.tags.map((tag) => tag.name));
  for (const tag of tags) {
    await page.locator(`.opblock-tag[data-tag="${tag}"] button`).click();
    const of = Object.values(document.paths).flatMap((path) => Object.values(path)).filter((one) => one.tags[0] === tag);
    await page.waitForFunction(([name, count]) => document.querySelectorAll(`[id^="operations-${name}-"]`).length === count, [tag, of.length]);
    await page.locator(`.opblock-tag[data-tag="${tag}"] button`).click();
  }
  clean(opened);
  await context.close();
});

test("tries a call with a token, which it keeps in its memory only", async () => {
  const opened = await open();
  const { page, context } = opened;
  await authorize(page);
  const authorized = page.locator(".auth-wrapper .authorize.locked");
  await authorized.waitFor();
  await page.locator('.opblock-tag[data-tag="AuthService"] button').click();
  const method = page.locator(GetMyUser);
  await method.locator(".opblock-summary-control").click();
  await method.getByRole("button", { name: "Try it out" }).click();
  const sent = page.waitForRequest("**/auth/v1/users/me");
  await method.getByRole("button", { name: "Execute" }).click();
  assert.equal((await sent).headers().authorization, `Bearer ${token}`);
  await method.locator(".live-responses-table .response-col_status").getByText("200").waitFor();
  assert.match(await method.locator(".live-responses-table .highlight-code").first().innerText(), /"userName"/);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!kept.includes(token));
  // Neither is it in what people copy and show.
  assert.match(await method.locator(".curl-command").innerText(), /Authorization: Bearer …/);
  assert.ok(!(await page.locator("body").innerText()).includes(token));
  if (process.env.BASTIDE_TEST_SCREENSHOT) {
    await method.scrollIntoViewIfNeeded();
    await page.screenshot({ path: process.env.BASTIDE_TEST_SCREENSHOT });
  }
  clean(opened);
  await page.reload();
  await page.locator(".opblock-tag").first().waitFor();
  assert.equal(await authorized.count(), 0);
  await context.close();
});

test("is used with the keyboard alone", async () => {
  const opened = await open();
  const { page, context } = opened;
  // reach presses Tab until the element has the focus.
  const reach = async (selector) => {
    for (let pressed = 0; pressed < 200; pressed++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) {
        return;
      }
    }
    assert.fail(`the keyboard does not reach ${selector}`);
  };
  await reach('.opblock-tag[data-tag="AuthService"] button');
  await page.keyboard.press("Enter");
  await page.locator(GetMyUser).waitFor();
  await reach(`${GetMyUser} .opblock-summary-control`);
  await page.keyboard.press("Enter");
  await page.locator(`${GetMyUser} .try-out__btn`).waitFor();
  await reach(`${GetMyUser} .try-out__btn`);
  await page.keyboard.press("Enter");
  await page.locator(`${GetMyUser} .execute`).waitFor();
  await reach(`${GetMyUser} .execute`);
  await page.keyboard.press("Enter");
  await page.locator(`${GetMyUser} .live-responses-table .response-col_status`).getByText("401").waitFor();
  // That the call was refused, the console tells by itself.
  opened.complaints = opened.complaints.filter((text) => !text.includes("401 (Unauthorized)"));
  clean(opened);
  await context.close();
});

test("fits a telephone, in the dark", async () => {
  const opened = await open({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  const { page, context } = opened;
  await page.locator('.opblock-tag[data-tag="SystemService"] button').click();
  await page.locator("#operations-SystemService-SystemService_CreateInstance .opblock-summary-control").click();
  await page.locator(".try-out__btn").waitFor();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  const colours = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector(".opblock-tag")).color]);
  const light = (colour) => colour.match(/[\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  assert.ok(light(colours[1]) - light(colours[0]) > 300, colours.join(" on "));
  if (process.env.BASTIDE_TEST_SCREENSHOT) {
    await page.screenshot({ path: process.env.BASTIDE_TEST_SCREENSHOT.replace(".png", "-dark.png") });
  }
  clean(opened);
  await context.close();
});
