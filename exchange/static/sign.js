// Signing a contract in the browser. What is signed are the exact bytes from the server, and only after three checks:
// they have the digest that the page shows, they are the canonical form of what they say (RFC 8785), and the digest of
// the prose inside them is that of the prose on this page. So nobody signs anything but what they read.

import { b64url, canonical, findKey, publicJwk, signBytes, thumbprint } from "./keys.js";

const encoder = new TextEncoder();
const HEADINGS = {
  vi: ["HỢP ĐỒNG QUYỀN KHAI THÁC, SỬ DỤNG DỮ LIỆU", "Điều"],
  en: ["CONTRACT FOR THE RIGHT TO EXPLOIT AND USE DATA", "Clause"],
};

/** A problem that the page has words for. */
class Told extends Error {}

/** RFC 8785 for what a contract holds: keys in UTF-16 order, whole numbers, lists. keys.js writes headers alike. */
function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(",")}}`;
}

async function sha256(bytes) {
  return `sha-256:${b64url(await crypto.subtle.digest("SHA-256", bytes))}`;
}

/** The prose as the page shows it, in the form whose digest the contract holds (contracts/text.py, plain). */
function shownProse(element) {
  const [heading, word] = HEADINGS[element.dataset.prose];
  const parts = [`${heading}\n${element.dataset.contract}`];
  for (const title of element.querySelectorAll("[data-clause]")) {
    const lines = [];
    for (let next = title.nextElementSibling; next && next.matches("[data-line]"); next = next.nextElementSibling) {
      lines.push(next.textContent);
    }
    const name = title.querySelector("[data-title]").textContent;
    parts.push(`${word} ${title.dataset.clause}. ${name}\n${lines.join("\n")}`);
  }
  return `${parts.join("\n\n")}\n`;
}

/** The bytes to sign, after every check. */
async function checkedPayload(form) {
  const response = await fetch(form.dataset.payload, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`payload: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const contract = JSON.parse(text);
  const prose = document.querySelector("[data-prose]");
  const promised = contract.text.find((entry) => entry.lang === prose.dataset.prose);
  const same =
    (await sha256(bytes)) === form.dataset.sha256 &&
    canonicalJson(contract) === text &&
    contract.id === prose.dataset.contract &&
    (await sha256(encoder.encode(shownProse(prose)))) === promised.sha256;
  if (!same) throw new Told(form.dataset.differs);
  return bytes;
}

/** The key of this person in this browser, if the contract names it. */
async function checkKey(form) {
  const owner = form.dataset.keyOwner;
  const named = [...document.querySelectorAll("[data-signing-key]")].map((item) => item.dataset.signingKey);
  if (!(await findKey(owner)) || !named.includes(await thumbprint(owner))) throw new Told(form.dataset.noKey);
  return owner;
}

/** A flattened JWS (RFC 7515 section 7.2.2); its header as contracts/signature.py wants it. */
async function signature(payload, owner) {
  const { alg } = await findKey(owner);
  const header = {
    alg,
    cty: "json",
    iat: Math.floor(Date.now() / 1000),
    jwk: await publicJwk(owner),
    kid: await thumbprint(owner),
    typ: "minhbach-contract+jws",
  };
  const protectedHeader = b64url(encoder.encode(canonical(header)));
  const encoded = b64url(payload);
  const signed = await signBytes(encoder.encode(`${protectedHeader}.${encoded}`), owner);
  return { payload: encoded, protected: protectedHeader, signature: signed };
}

async function send(form, entry) {
  const response = await fetch(form.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrf_token.value },
    body: JSON.stringify(entry),
  });
  const answer = await response.json();
  if (!response.ok) throw new Told(answer.message);
  window.location.assign(answer.location);
}

async function sign(form) {
  const owner = await checkKey(form);
  const payload = await checkedPayload(form);
  await send(form, await signature(payload, owner));
}

for (const form of document.querySelectorAll("[data-sign]")) {
  const says = form.querySelector("[data-sign-says]");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    says.textContent = form.dataset.working;
    sign(form).catch((error) => {
      says.textContent = error instanceof Told ? error.message : form.dataset.failed;
      button.disabled = false;
      if (!(error instanceof Told)) console.error(error);
    });
  });
}
