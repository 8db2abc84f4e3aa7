// The built page in a headless Chromium, with a hand that uses it.
import assert from "node:assert/strict";
import axe from "axe-core";
import { preview } from "vite";
import { launch } from "../../../tools/browser/browser.mjs";
import { server } from "./seed.js";

const contentTypes = { "grpc-web": "application/grpc-web+proto", connect: "application/proto" };

/** start serves the built page and starts the browser; stop ends both. */
export async function start() {
  const [site, browser] = await Promise.all([
    preview({ preview: { host: "127.0.0.1", port: 4173 }, logLevel: "error" }),
    launch(),
  ]);
  const url = site.resolvedUrls.local[0];
  return {
    url,
    browser,
    async stop() {
      await browser.close();
      await new Promise((done) => site.httpServer.close(done));
    },
  };
}

/** open opens the page in a context of its own, and closes it after the test, in which the page must have said nothing but that calls failed. */
export async function open(t, { url, browser }, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const calls = [];
  const complaints = [];
  page.on("request", (request) => {
    if (request.method() === "POST") {
      calls.push(request);
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(url);
  return { page, calls };
}

/** checkCalls fails unless all calls were made over the protocol, and none told a token by its address. */
export function checkCalls(calls, protocol, ...secrets) {
  assert.notEqual(calls.length, 0);
  for (const call of calls) {
    assert.equal(call.headers()["content-type"], contentTypes[protocol], call.url());
    for (const secret of secrets) {
      assert.ok(!call.url().includes(secret));
    }
  }
}

/** checkAccess fails on what axe finds to be in the way of assistive technology. */
export async function checkAccess(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(axe.source);
  }
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
  assert.deepEqual(found, []);
}

/** mouse uses the page as somebody who points. */
export function mouse(page) {
  return {
    press: (target) => target.click(),
    type: (target, text) => target.fill(text),
    choose: (target) => target.check({ force: true }),
  };
}

/** keyboard uses the page as somebody who has no pointer. */
export function keyboard(page) {
  const reach = async (target) => {
    await target.waitFor();
    const seen = [];
    for (let steps = 0; steps < 80; steps++) {
      const { there, at } = await target.evaluate((element) => {
        const active = document.activeElement;
        return { there: element === active, at: active?.id || active?.textContent?.slice(0, 20) };
      });
      if (there) {
        return;
      }
      seen.push(at);
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab does not lead to ${target}, but to ${seen}`);
  };
  return {
    async press(target) {
      await reach(target);
      await page.keyboard.press("Enter");
    },
    async type(target, text) {
      await reach(target);
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.insertText(text);
    },
    async choose(target) {
      const group = await target.getAttribute("name");
      if ((await target.getAttribute("type")) === "radio") {
        await reach(page.locator(`input[name="${group}"]:checked`));
        for (let steps = 0; steps < 5 && !(await target.isChecked()); steps++) {
          await page.keyboard.press("ArrowRight");
        }
      } else {
        await reach(target);
        await page.keyboard.press("Space");
      }
      assert.ok(await target.isChecked());
    },
  };
}

/** signIn signs in by the form, on the server under test unless told another. */
export async function signIn(page, hand, token, { url = server, keep = false } = {}) {
  await hand.type(page.getByLabel("Server"), url);
  await hand.type(page.getByLabel("Token", { exact: true }), token);
  if (keep) {
    await hand.choose(page.getByLabel("Keep me signed in"));
  }
  await hand.press(page.getByRole("button", { name: "Sign in" }));
}

/** sees waits until the view is shown and has the focus. */
export async function sees(page, title) {
  const heading = page.getByRole("heading", { level: 1, name: title, exact: true });
  await heading.waitFor();
  assert.ok(await heading.evaluate((element) => element === document.activeElement), `${title} has the focus`);
}

/** note waits until the field is marked as wrong, and returns what is said beside it. */
export async function note(page, field) {
  await field.and(page.locator("[aria-invalid=true]")).waitFor();
  const id = await field.getAttribute("aria-describedby");
  return page.locator(`#${id}`).innerText();
}
