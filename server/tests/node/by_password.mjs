// Without a provider: a password, codes set up and confirmed, and signing in with both.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fill, follow, launch, look, open } from "./browser.mjs";

const { GUILDER_URL, INVITATION, EMAIL } = process.env;
const PASSWORD = "correct horse battery staple";

// RFC 6238, as an authenticator does it.
function code(secret, steps = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((one) => alphabet.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, "0");
}

const browser = await launch();
try {
  const tab = await open(await browser.createBrowserContext(), GUILDER_URL);
  await tab.page.goto(INVITATION);
  await fill(tab, { name: "Grace Hopper", password: "too short", again: "too short" });
  await follow(tab, "form button");
  assert.ok((await look(tab, "You are invited", "weak-password")).includes("12 characters"));
  await fill(tab, { name: "Grace Hopper", password: PASSWORD, again: PASSWORD });
  await follow(tab, "form button");
  await look(tab, "Set up your codes", "codes");
  const secret = (await tab.page.$eval("#secret", (one) => one.textContent)).replaceAll(" ", "");
  const spent = code(secret);
  await fill(tab, { code: spent });
  await follow(tab, "form button");
  const me = await look(tab, "Signed in", "signed-in-by-password");
  assert.ok(me.includes(`Grace Hopper (${EMAIL})`), me);
  await follow(tab, `form[action="/me/sign-out"] button`);

  await tab.page.goto(`${GUILDER_URL}/sign-in`);
  await fill(tab, { email: EMAIL, password: "not the password" });
  await follow(tab, "form button");
  assert.ok((await look(tab, "Sign in", "wrong-password")).includes("Email or password"));
  await fill(tab, { email: EMAIL, password: PASSWORD });
  await follow(tab, "form button");
  await look(tab, "Enter your code", "code");
  await fill(tab, { code: spent });
  await follow(tab, "form button");
  assert.ok((await look(tab, "Enter your code", "code-reused")).includes("used already"));
  await fill(tab, { code: code(secret, 1) });
  await follow(tab, "form button");
  await look(tab, "Signed in", "signed-in-by-code");
} finally {
  await browser.close();
}
