// An OpenID provider as one is run: panva's oidc-provider, with its own pages for signing in.
// Whoever signs in as `ada` is ada@example.com, verified.

import Provider from "oidc-provider";

const { ISSUER, REDIRECT_URI, PORT } = process.env;

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: "guilder",
      client_secret: "a secret of the tests only",
      redirect_uris: [REDIRECT_URI],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  pkce: { required: () => true },
  cookies: { keys: ["for the tests only"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.com`,
      email_verified: !id.startsWith("unverified"),
      name: "Ada Lovelace",
    }),
  }),
});

provider.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
