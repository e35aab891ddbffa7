import assert from "node:assert/strict";
import Stripe from "stripe";
import { authenticate, client, pay, refused, stripe } from "./shop.mjs";

// A customer pays, and everything about the payment is there.
const customer = await stripe.customers.create({
  name: "Ada",
  email: "ada@example.com",
  metadata: { tier: "gold" },
});
const paid = await pay({
  amount: 2599,
  customer: customer.id,
  metadata: { order: "7" },
  expand: ["latest_charge.balance_transaction", "customer"],
});
assert.equal(paid.status, "succeeded");
assert.equal(paid.customer.email, "ada@example.com");
assert.equal(paid.latest_charge.payment_method_details.card.last4, "4242");
assert.equal(paid.latest_charge.balance_transaction.fee, 105);
assert.equal(paid.latest_charge.balance_transaction.net, 2494);

// A card is saved and charged without its customer.
const card = await stripe.paymentMethods.create({
  type: "card",
  card: { number: "5555555555554444", exp_month: 12, exp_year: 2040, cvc: "123" },
});
await stripe.paymentMethods.attach(card.id, { customer: customer.id });
const kept = await stripe.customers.listPaymentMethods(customer.id);
assert.deepEqual(kept.data.map((each) => each.id), [card.id]);
const later = await pay({ customer: customer.id, payment_method: card.id, off_session: true });
assert.equal(later.status, "succeeded");
await stripe.paymentMethods.detach(card.id);

// A decline is a CardError that says all there is to say; then another card pays.
const intent = await stripe.paymentIntents.create({ amount: 2000, currency: "eur" });
const declined = await refused(
  stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_chargeDeclined" }),
);
assert.ok(declined instanceof Stripe.errors.StripeCardError);
assert.equal(declined.statusCode, 402);
assert.equal(declined.code, "card_declined");
assert.equal(declined.decline_code, "generic_decline");
assert.equal(declined.payment_intent.id, intent.id);
assert.match(declined.charge, /^ch_/);
assert.match(declined.requestId, /^req_/);
const second = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
assert.equal(second.status, "succeeded");

// The customer authenticates with their bank and comes back.
const challenged = await pay({
  payment_method: "pm_card_threeDSecure2Required",
  return_url: "https://shop.example/done",
});
assert.equal(challenged.status, "requires_action");
assert.equal(challenged.next_action.type, "redirect_to_url");
const back = await authenticate(challenged);
assert.equal(back.status, 303);
assert.match(back.headers.get("location"), /^https:\/\/shop\.example\/done\?/);
assert.equal((await stripe.paymentIntents.retrieve(challenged.id)).status, "succeeded");

// A browser confirms with the secret that it was given, and may do nothing else.
const browser = client(process.env.PUBLISHABLE_KEY);
const wanted = await stripe.paymentIntents.create({ amount: 900, currency: "usd" });
const theirs = await browser.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
const confirmed = await browser.paymentIntents.confirm(wanted.id, {
  client_secret: wanted.client_secret,
  payment_method: theirs.id,
});
assert.equal(confirmed.status, "succeeded");
const curious = await refused(browser.charges.list());
assert.ok(curious instanceof Stripe.errors.StripePermissionError);

// A token is charged directly.
const charge = await stripe.charges.create({ amount: 700, currency: "usd", source: "tok_visa" });
assert.ok(charge.paid && charge.captured);
