// Makes the pictures of docs/: `task docs:screenshots`. What they show is made anew,
// with the same names each time.
import { fileURLToPath } from "node:url";
import { mouse, sees, signIn, start } from "./test/page.js";
import { addMembers, systemToken, tenant } from "./test/seed.js";

const pictures = fileURLToPath(new URL("../../docs/", import.meta.url));
const acme = await tenant("Acme", "acme.localhost");
await addMembers(acme);
const site = await start();
try {
  await signedInAsOwner("light", { width: 1180, height: 800 }, async (page) => {
    await page.screenshot({ path: `${pictures}web-overview.png` });
    await showMembers(page);
    await page.getByLabel("Search").fill("ada");
    await page.getByText("1–6 of 6 members").first().waitFor();
    await page.screenshot({ path: `${pictures}web-members.png` });
  });
  await signedInAsOwner("dark", { width: 390, height: 800 }, async (page) => {
    await showMembers(page);
    await page.screenshot({ path: `${pictures}web-members-small.png` });
  });
  await shot("light", { width: 1180, height: 900 }, async (page) => {
    await signIn(page, mouse(page), await systemToken());
    await sees(page, "Instances");
    await page.getByRole("navigation").getByRole("link", { name: "New instance" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Acme");
    await page.getByLabel("Domain").fill("acme.localhost");
    await page.getByLabel("User name").first().fill("owner");
    await page.getByLabel("Display name").fill("Owner");
    await page.getByRole("button", { name: "Create the instance" }).click();
    await page.locator("#custom-domain[aria-invalid]").waitFor();
    await page.screenshot({ path: `${pictures}web-create.png` });
  });
} finally {
  await site.stop();
}

async function signedInAsOwner(colorScheme, viewport, use) {
  await shot(colorScheme, viewport, async (page) => {
    await signIn(page, mouse(page), acme.token, { url: acme.url });
    await sees(page, "Overview");
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await page.getByRole("article", { name: "The instance" }).getByText("Domains").waitFor();
    await use(page);
  });
}

async function showMembers(page) {
  await page.getByRole("link", { name: "Members", exact: true }).click();
  await page.getByText("1–10 of 37 members").first().waitFor();
}

async function shot(colorScheme, viewport, use) {
  const page = await site.browser.newPage({ colorScheme, viewport, locale: "en-GB", reducedMotion: "reduce" });
  await page.goto(site.url);
  await use(page);
  await page.close();
}
