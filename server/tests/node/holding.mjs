import assert from "node:assert/strict";
import { all, pay, refused, stripe } from "./shop.mjs";

const hold = (params = {}) => pay({ capture_method: "manual", amount: 5000, ...params });

// A hold is taken in part, and the rest released.
const held = await hold();
assert.deepEqual([held.status, held.amount_capturable], ["requires_capture", 5000]);
const taken = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 3000 });
assert.deepEqual([taken.status, taken.amount_received], ["succeeded", 3000]);

// More than was taken is not given back; what was taken is, in parts.
const over = await refused(stripe.refunds.create({ payment_intent: held.id, amount: 3001 }));
assert.deepEqual([over.statusCode, over.param], [400, "amount"]);
const first = await stripe.refunds.create({ payment_intent: held.id, amount: 1000 });
const rest = await stripe.refunds.create({ payment_intent: held.id });
assert.deepEqual([first.amount, rest.amount], [1000, 2000]);
const again = await refused(stripe.refunds.create({ payment_intent: held.id }));
assert.equal(again.code, "charge_already_refunded");

// A hold is raised, then taken in full.
const raised = await stripe.paymentIntents.incrementAuthorization((await hold()).id, {
  amount: 6000,
});
assert.equal(raised.amount_capturable, 6000);
assert.equal((await stripe.paymentIntents.capture(raised.id)).amount_received, 6000);

// A hold is given up.
const canceled = await stripe.paymentIntents.cancel((await hold()).id, {
  cancellation_reason: "duplicate",
});
assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "duplicate"]);
const late = await refused(stripe.paymentIntents.capture(canceled.id));
assert.equal(late.code, "payment_intent_unexpected_state");

// The balance is what the transactions say. 3000: 87 + 30; 6000: 174 + 30.
const transactions = await all(stripe.balanceTransactions.list({ limit: 2 }));
assert.deepEqual(
  transactions.map((each) => [each.type, each.amount, each.fee]),
  [["charge", 6000, 204], ["refund", -2000, 0], ["refund", -1000, 0], ["charge", 3000, 117]],
);
const balance = await stripe.balance.retrieve();
const net = transactions.reduce((sum, each) => sum + each.net, 0);
assert.deepEqual(balance.pending.map((each) => [each.currency, each.amount]), [["usd", net]]);

// What happened is told in order.
const events = (await all(stripe.events.list({ limit: 100 }))).reverse();
assert.deepEqual(events.slice(0, 7).map((each) => each.type), [
  "payment_intent.created",
  "charge.succeeded",
  "payment_intent.amount_capturable_updated",
  "charge.captured",
  "payment_intent.succeeded",
  "refund.created",
  "charge.refunded",
]);
assert.equal(events[0].data.object.id, held.id);
