import { refused, stripe } from "./shop.mjs";

// Too much is an error of its own class, with what to do about it in its headers.
const wishes = Array.from({ length: 40 }, () => stripe.balance.retrieve());
const answers = await Promise.all(wishes.map((wish) => refused(wish).catch(() => null)));
const limited = answers.find((answer) => answer !== null);
process.stdout.write(
  JSON.stringify({
    type: limited.type,
    code: limited.code,
    status: limited.statusCode,
    reason: limited.headers["stripe-rate-limited-reason"],
    after: limited.headers["retry-after"],
  }),
);
