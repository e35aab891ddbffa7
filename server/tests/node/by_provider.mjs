// A person's first sign-in by OIDC, in a browser: invited, signed in, at work, signed out.

import assert from "node:assert/strict";
import { fill, follow, launch, look, open } from "./browser.mjs";

const { GUILDER_URL, INVITATION, PERSON } = process.env;
const browser = await launch();

async function atProvider(tab) {
  await fill(tab, { login: PERSON, password: "whatever" });
  await follow(tab, "button[type=submit]");
  await follow(tab, "button[type=submit]"); // consent
}

try {
  const tab = await open(await browser.createBrowserContext(), GUILDER_URL);
  await tab.page.goto(INVITATION);
  const offer = await look(tab, "You are invited", "invitation");
  assert.ok(offer.includes(`${PERSON}@example.com is invited`));
  await follow(tab, `a[href$="/provider"]`);
  assert.ok(!tab.page.url().startsWith(GUILDER_URL));
  await atProvider(tab);
  assert.equal(tab.page.url(), `${GUILDER_URL}/me`);
  const me = await look(tab, "Signed in", "signed-in");
  assert.ok(me.includes(`You are signed in as Ada Lovelace (${PERSON}@example.com).`), me);

  // The API, as a dashboard asks it: by cookie, and with the session's token where it changes.
  await tab.page.goto(`${GUILDER_URL}/v1/sessions/current`);
  const session = JSON.parse(await tab.page.$eval("body", (body) => body.innerText));
  const post = (token) =>
    tab.page.evaluate(async (sent) => {
      const headers = { "X-CSRF-Token": sent, "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await fetch("/v1/customers", { method: "POST", headers, body: "name=Grace" });
      return [answer.status, (await answer.json()).name];
    }, token);
  assert.deepEqual(await post(session.csrf_token), [200, "Grace"]);
  assert.equal((await post("invented"))[0], 403);
  assert.equal(await tab.page.evaluate(() => document.cookie), "");

  // Another browser of the same person, whose session this one ends.
  const other = await open(await browser.createBrowserContext(), GUILDER_URL);
  await other.page.goto(`${GUILDER_URL}/sign-in`);
  await look(other, "Sign in", "sign-in");
  await follow(other, `a[href$="/provider"]`);
  await atProvider(other);
  await look(other, "Signed in", "signed-in-again");
  await tab.page.goto(`${GUILDER_URL}/me`);
  await look(tab, "Signed in", "two-sessions");
  await follow(tab, `form[action$="/revoke"] button`);
  assert.equal((await tab.page.$$(`form[action$="/revoke"]`)).length, 0);
  await other.page.goto(`${GUILDER_URL}/me`);
  await look(other, "Sign in", "ended");

  await follow(tab, `form[action="/me/sign-out"] button`);
  await look(tab, "You are signed out", "signed-out");
  await tab.page.goto(`${GUILDER_URL}/me`);
  await look(tab, "Sign in", "after-signing-out");
} finally {
  await browser.close();
}
