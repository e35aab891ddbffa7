import assert from "node:assert/strict";
import { all, pay, stripe } from "./shop.mjs";

// Every page is walked, in both directions.
const made = [];
for (let n = 0; n < 35; n++) made.push((await stripe.customers.create({ name: `Number ${n}` })).id);
const forwards = await all(stripe.customers.list({ limit: 10 }));
assert.deepEqual(forwards.map((each) => each.id), [...made].reverse());
const backwards = await all(stripe.customers.list({ limit: 10, ending_before: made[0] }));
assert.deepEqual(backwards.map((each) => each.id), made.slice(1));
const some = await stripe.customers.list({ limit: 35 }).autoPagingToArray({ limit: 12 });
assert.equal(some.length, 12);

// Four levels are expanded.
const customer = await stripe.customers.update(made[0], { metadata: { a: "1", b: "2" } });
await pay({ customer: customer.id, metadata: { order: "seven" } });
const { data } = await stripe.paymentIntents.list({
  customer: customer.id,
  expand: ["data.latest_charge.balance_transaction.source", "data.customer"],
});
assert.equal(data[0].customer.id, customer.id);
assert.equal(data[0].latest_charge.balance_transaction.source.id, data[0].latest_charge.id);

// Metadata is merged, and unset.
const changed = await stripe.customers.update(customer.id, { metadata: { a: "", c: "3" } });
assert.deepEqual(changed.metadata, { b: "2", c: "3" });
const emptied = await stripe.customers.update(customer.id, { metadata: "", name: "" });
assert.deepEqual([emptied.metadata, emptied.name], [{}, null]);

// What was paid is found by what was noted on it.
const found = await stripe.paymentIntents.search({ query: "metadata['order']:'seven'" });
assert.deepEqual(found.data.map((each) => each.id), [data[0].id]);
const pages = await all(stripe.customers.search({ query: "name~'Number'", limit: 20 }));
assert.equal(pages.length, 34);

// What is deleted leaves a tombstone.
const gone = await stripe.customers.del(made[1]);
assert.deepEqual(gone, { id: made[1], object: "customer", deleted: true });
assert.equal((await stripe.customers.retrieve(made[1])).deleted, true);
