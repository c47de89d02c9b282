// Looks at every page: takes screenshots, and prints what a browser and axe find, as JSON.
//
// Input, as JSON: url, token, pages by name, and the folder of the screenshots.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium as playwright } from "playwright-core";
import { chromium } from "./chromium.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = { violations: [], policy: [], foreign: [], errors: [], dialogs: [], wide: [], slow: [], seen: 0, checks: {} };
const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1280, height: 900 }, axe: true },
  { name: "dark", colorScheme: "dark", viewport: { width: 1280, height: 900 }, axe: true },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 }, axe: false },
];

const browser = await playwright.launch({
  executablePath: await chromium(),
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

async function context(look) {
  const made = await browser.newContext({
    colorScheme: look.colorScheme, viewport: look.viewport, reducedMotion: "reduce",
  });
  await made.addInitScript(() => {
    globalThis.policyReports = [];
    addEventListener("securitypolicyviolation", (event) =>
      globalThis.policyReports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  made.on("request", (request) => {
    if (!request.url().startsWith(given.url)) found.foreign.push(request.url());
  });
  made.setDefaultTimeout(15000);
  const page = await made.newPage();
  page.on("dialog", (dialog) => { found.dialogs.push(dialog.message()); dialog.dismiss(); });
  page.on("pageerror", (error) => found.errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("404")) found.errors.push(message.text());
  });
  return page;
}

async function signIn(page) {
  await page.goto(`${given.url}/console/`);
  await page.fill("#token", given.token);
  await page.click("main button");
  await page.waitForSelector("h1");
}

async function check(page, name, look) {
  await page.screenshot({ path: `${given.folder}/${name}-${look.name}.png`, fullPage: true });
  found.policy.push(...(await page.evaluate("policyReports")).map((report) => `${name} ${look.name}: ${report}`));
  const width = await page.evaluate("document.scrollingElement.scrollWidth");
  if (width > look.viewport.width) found.wide.push(`${name} ${look.name}: ${width}`);
  if (look.axe) {
    await page.evaluate(axe);
    const report = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    for (const { id, nodes } of report.violations)
      found.violations.push(`${name} ${look.name}: ${id}: ${nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join(" | ")}`);
  }
  found.seen += 1;
}

async function look(look) {
  const page = await context(look);
  await page.goto(`${given.url}/console/login`);
  await check(page, "login", look);
  await signIn(page);
  for (const [name, path] of Object.entries(given.pages)) {
    await page.goto(given.url + path, { waitUntil: "load" });
    if (name === "role") await page.waitForSelector("#usage .usage");
    for (const details of await page.$$("details:not([open]) > summary"))
      if (["registry", "declaration", "event"].includes(name)) await details.click();
    await check(page, name, look);
  }
  await page.context().close();
}

const began = Date.now();
await Promise.all(LOOKS.map(look));
console.error(`${Date.now() - began} ms for all pages`);

// Not waitForFunction: the policy of the pages forbids it.
const shows = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

async function call(method, request) {
  const answer = await fetch(`${given.url}/ecrkeeper.v1.${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Connect-Protocol-Version": "1", Authorization: `Bearer ${given.token}` },
    body: JSON.stringify(request),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

// A change shows without a reload: in the map, on the registry's page, and in the trail.
const REGISTRY = "accounts/222222222222/registries/eu-west-1";
const page = await context(LOOKS[0]);
await signIn(page);
const others = [await page.context().newPage(), await page.context().newPage()];
await others[0].goto(`${given.url}/console/${REGISTRY}`);
await others[1].goto(`${given.url}/console/audit`);
for (const each of [page, ...others])
  await shows(each, ".live", /^Live$/);
await page.click("#q");
await call("RegistrySettingsService/UpdateRegistry", { registry: { name: REGISTRY, mode: "PAUSED" }, updateMask: "mode" });
await shows(page, "#c-222222222222-eu-west-1", /Paused/);
await shows(others[0], "#body", /Paused/);
await shows(others[1], "tbody tr:first-child", /UpdateRegistry/);
found.checks.live = true;
found.checks.focusStays = await page.evaluate("document.activeElement.id") === "q";
for (const each of others) await each.close();

// Search replaces the results only, and the address shows it.
await page.evaluate("document.body.dataset.kept = 'yes'");
await page.fill("#q", "222222222222");
await page.keyboard.press("Enter");
await page.locator("#results tbody th", { hasText: "111111111111" }).waitFor({ state: "detached" });
found.checks.search = page.url().includes("q=222222222222") && (await page.evaluate("document.body.dataset.kept")) === "yes";
await shows(page, ".live", /^Live$/);
found.checks.liveAfterSearch = true;

// The keyboard reaches the content first, and then a registry.
await page.goto(`${given.url}/console/`);
await page.keyboard.press("Tab");
found.checks.skip = (await page.evaluate("document.activeElement.className")) === "skip";
await page.keyboard.press("Enter");
found.checks.main = (await page.evaluate("document.activeElement.id")) === "main";
await page.focus("a.cell");
await page.keyboard.press("Enter");
await page.waitForURL(/registries/);
found.checks.cell = true;

// Without scripts, the pages work as well.
const plain = await browser.newContext({ javaScriptEnabled: false });
const still = await plain.newPage();
await signIn(still);
await still.fill("#q", "222222222222");
await still.click(".search button");
found.checks.noScripts = !(await still.textContent("#results")).includes("111111111111");
await browser.close();
console.log(JSON.stringify(found));
