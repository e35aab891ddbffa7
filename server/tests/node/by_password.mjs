// Without a provider: a password, codes set up and confirmed, and signing in with both; without the
// authenticator, and with another password.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fill, follow, launch, look, open } from "./browser.mjs";

const { GUILDER_URL, INVITATION, EMAIL } = process.env;
const PASSWORD = "correct horse battery staple";
const ANOTHER = "another horse, another battery";

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
  const picture = await tab.page.$eval(".qr svg", (one) => {
    const { width, height } = one.getBoundingClientRect();
    return { width, height, said: one.parentElement.getAttribute("aria-label") };
  });
  assert.ok(picture.width > 150 && picture.width === picture.height, JSON.stringify(picture));
  assert.ok(picture.said.startsWith("A QR code"), picture.said);
  const spent = code(secret);
  await fill(tab, { code: spent });
  await follow(tab, "form button");
  await look(tab, "Your recovery codes", "recovery-codes");
  const paper = await tab.page.$$eval("#recovery-codes code", (all) => all.map((one) => one.textContent));
  assert.equal(new Set(paper).size, 10);
  await follow(tab, "a.button");
  const me = await look(tab, "Signed in", "signed-in-by-password");
  assert.ok(me.includes(`Grace Hopper (${EMAIL})`), me);
  assert.ok(me.includes("You have 10 recovery codes left"), me);
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
  await follow(tab, `form[action="/me/sign-out"] button`);

  await tab.page.goto(`${GUILDER_URL}/sign-in`);
  await fill(tab, { email: EMAIL, password: PASSWORD });
  await follow(tab, "form button");
  await tab.page.click("summary");
  await fill(tab, { recovery_code: "not one of them" });
  await follow(tab, "details button");
  const wrong = await look(tab, "Enter your code", "recovery-code-wrong");
  assert.ok(wrong.includes("This recovery code is not right"), wrong);
  await fill(tab, { recovery_code: paper[3].toLowerCase().replaceAll("-", " ") });
  await follow(tab, "details button");
  const back = await look(tab, "Signed in", "signed-in-by-recovery-code");
  assert.ok(back.includes("You have 9 recovery codes left"), back);
  assert.ok(back.includes("by password and recovery code"), back);

  await follow(tab, `a[href="/me/recovery-codes"]`);
  await look(tab, "Make new recovery codes", "new-recovery-codes");
  await tab.page.goto(`${GUILDER_URL}/me/password`);
  await fill(tab, { password: "not the password", new_password: ANOTHER, again: ANOTHER });
  await follow(tab, "form button");
  const refused = await look(tab, "Change your password", "change-password");
  assert.ok(refused.includes("The password is not right"), refused);
  await fill(tab, { password: PASSWORD, new_password: ANOTHER, again: ANOTHER });
  await follow(tab, "form button");
  await look(tab, "Your password is changed", "password-changed");
  await follow(tab, "a.button");
  await look(tab, "Signed in", "still-signed-in");
  await follow(tab, `form[action="/me/sign-out"] button`);
} finally {
  await browser.close();
}
