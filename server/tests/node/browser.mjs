// A headless Chromium: the one that is installed, or else the one that came with npm.

import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import assert from "node:assert/strict";
import packaged, { inflate } from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

export async function launch() {
  const path = process.env.CHROMIUM || (await unpacked());
  return await puppeteer.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-zygote"],
    headless: process.env.CHROMIUM ? true : "shell",
  });
}

async function unpacked() {
  const path = await packaged.executablePath();
  if (execFileSync("ldd", [path]).toString().includes("not found")) {
    // A machine without a desktop may lack libraries, which the package has as well.
    const archive = new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium"));
    await inflate(fileURLToPath(archive));
    process.env.LD_LIBRARY_PATH = join(tmpdir(), "al2023", "lib");
  }
  return path;
}

// A page that is held to what each of ours promises, wherever it is led.
export async function open(context, ours) {
  const page = await context.newPage();
  await page.setViewport({ width: 320, height: 640 });
  const complaints = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy") && page.url().startsWith(ours))
      complaints.push(message.text());
  });
  return { page, complaints };
}

export async function look({ page, complaints }, title, name) {
  assert.equal(await page.$eval("h1", (h1) => h1.textContent), title);
  const [width, labelled, scripts] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    [...document.querySelectorAll("input:not([type=hidden])")].every((one) => one.labels.length),
    document.scripts.length,
  ]);
  assert.ok(width <= 320, `${title} is ${width} pixels wide`);
  assert.ok(labelled, `${title} has a field without a label`);
  assert.equal(scripts, 0);
  assert.deepEqual(complaints, []);
  await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`), fullPage: true });
  return await page.$eval("main", (main) => main.innerText);
}

export async function follow({ page }, selector) {
  await Promise.all([page.waitForNavigation(), page.click(selector)]);
}

export async function fill({ page }, fields) {
  for (const [name, value] of Object.entries(fields)) {
    await page.$eval(`input[name=${name}]`, (field) => (field.value = ""));
    await page.type(`input[name=${name}]`, value);
  }
}
