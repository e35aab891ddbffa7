import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { pay, stripe } from "./shop.mjs";

// A program that takes webhooks, and keeps the exact bytes.
const received = [];
let arrived = () => {};
const program = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    received.push({ headers: request.headers, body: Buffer.concat(chunks) });
    response.end("thank you");
    arrived();
  });
});
await new Promise((done) => program.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${program.address().port}/hook`;

async function next() {
  while (received.length === 0) {
    await new Promise((done, late) => {
      arrived = done;
      setTimeout(() => late(new Error("nothing arrived")), 20_000).unref();
    });
  }
  return received.shift();
}

const endpoint = await stripe.webhookEndpoints.create({
  url,
  enabled_events: ["payment_intent.succeeded"],
});
assert.match(endpoint.secret, /^whsec_/);

const intent = await pay({ metadata: { customer: "Ada · 海蒂" } });
const { headers, body } = await next();

// The official client accepts it, and nothing else in its place.
const { webhooks } = stripe;
const event = webhooks.constructEvent(body, headers["stripe-signature"], endpoint.secret);
assert.equal(event.type, "payment_intent.succeeded");
assert.equal(event.data.object.id, intent.id);
assert.equal(event.data.object.metadata.customer, "Ada · 海蒂");
for (const [wrong, secret] of [
  [Buffer.concat([body, Buffer.from(" ")]), endpoint.secret],
  [body, "whsec_bm90IHRoZSBzZWNyZXQ="],
]) {
  assert.throws(
    () => webhooks.constructEvent(wrong, headers["stripe-signature"], secret),
    Stripe.errors.StripeSignatureVerificationError,
  );
}

// So does a library of the Standard Webhooks.
const standard = new Webhook(endpoint.secret).verify(body.toString(), headers);
assert.deepEqual(standard, JSON.parse(body));
assert.throws(() => new Webhook(endpoint.secret).verify(`${body} `, headers));
assert.equal(headers["webhook-id"], event.id);

// During an overlap both secrets are good.
const rolled = await stripe.rawRequest("POST", `/v1/webhook_endpoints/${endpoint.id}/roll_secret`, {
  overlap_s: 3600,
});
assert.notEqual(rolled.secret, endpoint.secret);
// The worker looks at its endpoints again within a second.
await new Promise((done) => setTimeout(done, 1500));
await pay();
const after = await next();
for (const secret of [endpoint.secret, rolled.secret]) {
  webhooks.constructEvent(after.body, after.headers["stripe-signature"], secret);
  new Webhook(secret).verify(after.body.toString(), after.headers);
}

program.closeAllConnections();
program.close();
