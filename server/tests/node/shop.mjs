// The official Node client as a program uses it, with every answer written down, so that the
// test that started this script can hold it to the contract and to the official types.

import { appendFileSync } from "node:fs";
import Stripe from "stripe";

const { GUILDER_URL, SECRET_KEY, ANSWERS } = process.env;
const address = new URL(GUILDER_URL);

class RecordingResponse extends Stripe.HttpClientResponse {
  constructor(method, path, response) {
    super(response.getStatusCode(), response.getHeaders());
    this.method = method;
    this.path = path;
    this.response = response;
  }

  getRawResponse() {
    return this.response.getRawResponse();
  }

  toStream(done) {
    return this.response.toStream(done);
  }

  async toJSON() {
    const body = await this.response.toJSON();
    const { method, path } = this;
    const status = this.getStatusCode();
    appendFileSync(ANSWERS, JSON.stringify({ method, path, status, body }) + "\n");
    return body;
  }
}

class RecordingClient extends Stripe.HttpClient {
  inner = Stripe.createNodeHttpClient();

  getClientName() {
    return "recording";
  }

  async makeRequest(host, port, path, method, ...rest) {
    const response = await this.inner.makeRequest(host, port, path, method, ...rest);
    return new RecordingResponse(method, path.split("?")[0], response);
  }
}

/** A client with a key of its own: a browser's, a wrong one; by default the shop's. */
export function client(key = SECRET_KEY, options = {}) {
  return new Stripe(key, {
    host: address.hostname,
    port: address.port,
    protocol: "http",
    httpClient: new RecordingClient(),
    telemetry: false,
    maxNetworkRetries: 0,
    ...options,
  });
}

export const stripe = client();

/** A card payment, by default one that succeeds at once. */
export function pay(params = {}, options = {}) {
  const usual = { amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true };
  return stripe.paymentIntents.create({ ...usual, ...params }, options);
}

/** The error that a promise is refused with. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was refused");
}

export async function all(list) {
  const found = [];
  for await (const each of list) found.push(each);
  return found;
}

/** A page of the sandbox's bank, where the customer says yes. */
export async function authenticate(intent) {
  const action = intent.next_action;
  const page = action.redirect_to_url?.url ?? action.use_stripe_sdk.stripe_js;
  const [form, query] = page.split("?");
  return fetch(`${form}/complete?${query}`, { method: "POST", redirect: "manual" });
}
