// The signing key of this browser: made here, kept here, never readable. Used by /me/keys and by sign.js.
// WebCrypto Ed25519 where the browser has it, else ECDSA P-256; the private half is non-extractable, in IndexedDB.

const STORE = "keys";
const encoder = new TextEncoder();

/** Bytes as base64url without padding. */
export function b64url(bytes) {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** JSON as RFC 8785 writes it, for the flat values of a header: strings, numbers and objects of them. */
export function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** Whose key: "organisation.person" as the page says, so that two people at one browser have two keys. */
function currentOwner() {
  const element = document.querySelector("[data-key-owner]");
  if (!element) throw new Error("no data-key-owner on this page");
  return element.dataset.keyOwner;
}

function request(operation) {
  return new Promise((resolve, reject) => {
    operation.onsuccess = () => resolve(operation.result);
    operation.onerror = () => reject(operation.error);
  });
}

async function withStore(mode, work) {
  const opening = indexedDB.open("minhbach", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await request(opening);
  try {
    return await request(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

async function generate() {
  try {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return { alg: "Ed25519", pair };
  } catch (error) {
    if (!["NotSupportedError", "SyntaxError"].includes(error.name)) throw error;
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    return { alg: "ES256", pair };
  }
}

/** The key of this person in this browser, or undefined. */
export async function findKey(owner = currentOwner()) {
  return withStore("readonly", (store) => store.get(owner));
}

/** The key of this person in this browser, made now if there is none: {alg, pair}. */
export async function ensureKey(owner = currentOwner()) {
  const found = await findKey(owner);
  return found ?? replaceKey(owner);
}

/** A new key in place of the old one, which is gone for good. */
export async function replaceKey(owner = currentOwner()) {
  const made = await generate();
  await withStore("readwrite", (store) => store.put(made, owner));
  return made;
}

/** The public half: its required members only (RFC 7638). */
export async function publicJwk(owner = currentOwner()) {
  const { pair } = await ensureKey(owner);
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return y === undefined ? { crv, kty, x } : { crv, kty, x, y };
}

/** The key's name everywhere in the exchange: RFC 7638, SHA-256, base64url. */
export async function thumbprint(owner = currentOwner()) {
  return b64url(await crypto.subtle.digest("SHA-256", encoder.encode(canonical(await publicJwk(owner)))));
}

/** Sign bytes as they are (for a JWS: its signing input); the raw 64-byte signature in base64url. */
export async function signBytes(bytes, owner = currentOwner()) {
  const { alg, pair } = await ensureKey(owner);
  const how = alg === "Ed25519" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
  return b64url(await crypto.subtle.sign(how, pair.privateKey, bytes));
}

/** Proof that we hold the key: a compact JWS over the server's challenge. See exchange/accounts/keys.py. */
export async function proveKey(challenge, owner = currentOwner()) {
  const { alg } = await ensureKey(owner);
  const header = { alg, jwk: await publicJwk(owner), typ: "minhbach-key+jws" };
  const input = `${b64url(encoder.encode(canonical(header)))}.${b64url(encoder.encode(challenge))}`;
  return `${input}.${await signBytes(encoder.encode(input), owner)}`;
}

async function register(form) {
  const owner = form.dataset.keyOwner;
  const mine = await thumbprint(owner);
  const row = [...document.querySelectorAll("[data-thumbprint]")].find((one) => one.dataset.thumbprint === mine);
  if (row && !("revoked" in row.dataset)) {
    form.querySelector("[data-key-says]").textContent = form.dataset.already; // replacing it would lose a key in use
    return;
  }
  if (row) await replaceKey(owner); // a revoked key never comes back
  form.elements.proof.value = await proveKey(form.dataset.challenge, owner);
  form.submit();
}

for (const form of document.querySelectorAll("[data-key-form]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    register(form).catch((error) => {
      console.error(error);
      form.querySelector("[data-key-says]").textContent = form.dataset.failed;
    });
  });
}
