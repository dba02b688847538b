// Signing a statement of destruction in the browser: the very bytes that the page shows, with the key of this browser.

import { b64url, canonical, findKey, publicJwk, signBytes, thumbprint } from "./keys.js";

const encoder = new TextEncoder();

/** A problem that the page has words for. */
class Told extends Error {}

/** A flattened JWS (RFC 7515 section 7.2.2); its header as contracts/statement.py wants it. */
async function signed(form) {
  const owner = form.dataset.keyOwner;
  const named = [...document.querySelectorAll("[data-signing-key]")].map((item) => item.dataset.signingKey);
  if (!(await findKey(owner)) || !named.includes(await thumbprint(owner))) throw new Told(form.dataset.noKey);
  const payload = form.dataset.payload;
  if (b64url(encoder.encode(document.querySelector("[data-statement]").textContent)) !== payload) {
    throw new Told(form.dataset.differs);
  }
  const { alg } = await findKey(owner);
  const header = {
    alg,
    iat: Math.floor(Date.now() / 1000),
    jwk: await publicJwk(owner),
    kid: await thumbprint(owner),
    typ: "minhbach-statement+jws",
  };
  const protectedHeader = b64url(encoder.encode(canonical(header)));
  const signature = await signBytes(encoder.encode(`${protectedHeader}.${payload}`), owner);
  return { payload, protected: protectedHeader, signature };
}

async function send(form) {
  const response = await fetch(form.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrf_token.value },
    body: JSON.stringify(await signed(form)),
  });
  const answer = await response.json();
  if (!response.ok) throw new Told(answer.message);
  window.location.assign(answer.location);
}

for (const form of document.querySelectorAll("[data-statement-form]")) {
  const says = form.querySelector("[data-says]");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    says.textContent = form.dataset.working;
    send(form).catch((error) => {
      says.textContent = error instanceof Told ? error.message : form.dataset.failed;
      button.disabled = false;
      if (!(error instanceof Told)) console.error(error);
    });
  });
}
