// Signing a contract in the browser. What is signed are the exact bytes from the server, and only after four checks:
// they have the digest that the page shows, they are the canonical form of what they say (RFC 8785), every part of the
// document shown here says the same, and the digest of the prose inside them is that of the prose on this page. The
// button works once all four hold; they are made again when it is pressed. So nobody signs anything but what they read.

import { b64url, canonical, checkPlace, findKey, publicJwk, signBytes, thumbprint, Unable } from "./keys.js";

const encoder = new TextEncoder();
const HEADINGS = {
  vi: ["HỢP ĐỒNG QUYỀN KHAI THÁC, SỬ DỤNG DỮ LIỆU", "Điều"],
  en: ["CONTRACT FOR THE RIGHT TO EXPLOIT AND USE DATA", "Clause"],
};

/** A problem that the page has words for; `lost`: help with a lost key is shown as well. */
class Told extends Error {
  constructor(message, lost = false) {
    super(message);
    this.lost = lost;
  }
}

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

/** Whether a part of the document that the page shows as JSON says what the bytes say; "" is the whole document. */
function saysTheSame(element, contract) {
  const { part } = element.dataset;
  try {
    const shown = canonicalJson(JSON.parse(element.textContent));
    return shown === canonicalJson(part ? contract[part] : contract);
  } catch {
    return false;
  }
}

function need(holds, message) {
  if (!holds) throw new Told(message);
}

/** The bytes to sign, after every check. */
async function checkedPayload(form) {
  const says = form.dataset;
  const response = await fetch(says.payload, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`payload: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  need((await sha256(bytes)) === says.sha256, says.differsBytes);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const contract = JSON.parse(text);
  need(canonicalJson(contract) === text, says.differsSpelling);
  const parts = [...document.querySelectorAll("[data-part]")];
  need(parts.length > 0 && parts.every((element) => saysTheSame(element, contract)), says.differsTerms);
  const prose = document.querySelector("[data-prose]");
  const promised = contract.text.find((entry) => entry.lang === prose.dataset.prose);
  const read = await sha256(encoder.encode(shownProse(prose)));
  need(contract.id === prose.dataset.contract && read === promised.sha256, says.differsProse);
  return bytes;
}

/** The key of this person in this browser, if the contract names it. */
async function checkKey(form) {
  const owner = form.dataset.keyOwner;
  const named = [...document.querySelectorAll("[data-signing-key]")].map((item) => item.dataset.signingKey);
  if (!(await findKey(owner))) throw new Told(form.dataset.absent, true);
  if (!named.includes(await thumbprint(owner))) throw new Told(form.dataset.noKey, named.length === 0);
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
  await checkPlace();
  const owner = await checkKey(form);
  const payload = await checkedPayload(form);
  await send(form, await signature(payload, owner));
}

/** What to say of an error: its own words, the page's words for a browser that cannot, or that it failed. */
function sentence(error, form) {
  if (error instanceof Told) return error.message;
  if (error instanceof Unable) return form.dataset[error.code];
  console.error(error);
  return form.dataset.failed;
}

for (const form of document.querySelectorAll("[data-sign]")) {
  const says = form.querySelector("[data-sign-says]");
  const button = form.querySelector("button[type=submit]");
  const tell = (error) => {
    says.textContent = sentence(error, form);
    form.querySelector("[data-key-lost]").hidden = !error.lost;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    says.textContent = form.dataset.working;
    sign(form).catch((error) => {
      tell(error);
      button.disabled = false;
    });
  });
  says.textContent = form.dataset.checking;
  checkPlace()
    .then(() => checkedPayload(form))
    .then(() => checkKey(form))
    .then(() => {
      says.textContent = form.dataset.checked;
      button.disabled = false;
    })
    .catch(tell);
}
