import assert from "node:assert/strict";
import Stripe from "stripe";
import { client, pay, refused, stripe } from "./shop.mjs";

const { errors } = Stripe;

// Each refusal is an error of its own class.
const missing = await refused(stripe.customers.retrieve("cus_nobody"));
assert.ok(missing instanceof errors.StripeInvalidRequestError);
assert.deepEqual([missing.statusCode, missing.code], [404, "resource_missing"]);
const wrong = await refused(stripe.paymentIntents.create({ amount: 2000, currency: "xxx" }));
assert.ok(wrong instanceof errors.StripeInvalidRequestError);
assert.deepEqual([wrong.statusCode, wrong.param], [400, "currency"]);
const unknown = await refused(stripe.customers.create({ colour: "red" }));
assert.deepEqual([unknown.code, unknown.param], ["parameter_unknown", "colour"]);
const stranger = await refused(client("sk_test_nobody").customers.list());
assert.ok(stranger instanceof errors.StripeAuthenticationError);
const declined = await refused(
  pay({ payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" }),
);
assert.ok(declined instanceof errors.StripeCardError);
assert.equal(declined.decline_code, "insufficient_funds");
assert.equal(declined.payment_intent.status, "requires_payment_method");
assert.ok(declined.payment_intent.last_payment_error.payment_method.id);

// A wish is carried out once under its key.
const key = { idempotencyKey: "order-7" };
const first = await pay({}, key);
const again = await pay({}, key);
assert.equal(again.id, first.id);
assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
const other = await refused(pay({ amount: 3000 }, key));
assert.ok(other instanceof errors.StripeIdempotencyError);

// Many at once under one key, each as patient as a client is by default and a little more.
const patient = client(undefined, { maxNetworkRetries: 5 });
const wish = { amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true };
const crowd = await Promise.all(
  Array.from({ length: 16 }, () =>
    patient.paymentIntents.create(wish, { idempotencyKey: "order-8" }),
  ),
);
assert.equal(new Set(crowd.map((each) => each.id)).size, 1);

// Two payments, one of them declined: three charges were tried.
assert.equal((await stripe.charges.list()).data.length, 3);
