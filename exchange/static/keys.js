// The signing key of this browser: made here, kept here, never readable. Used by /me/keys and by sign.js.
// WebCrypto Ed25519 where the browser has it, else ECDSA P-256; the private half is non-extractable, in IndexedDB.

const STORE = "keys";
const NEXT = ".next"; // under this name lies a key until the server has taken it in place of the old one
const PROOF = "minhbach-key+jws";
const ROTATION = "minhbach-key-rotation+jws";
const encoder = new TextEncoder();

/** This browser cannot hold or use a key; `code` is the name of the page's sentence: noCrypto or noStore. */
export class Unable extends Error {
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}

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
  let database;
  try {
    const opening = indexedDB.open("minhbach", 1); // absent, or refused in some private windows
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    database = await request(opening);
  } catch (error) {
    throw new Unable("noStore", error);
  }
  try {
    return await request(work(database.transaction(STORE, mode).objectStore(STORE)));
  } catch (error) {
    if (["DataCloneError", "QuotaExceededError"].includes(error.name)) throw new Unable("noStore", error);
    throw error;
  } finally {
    database.close();
  }
}

/** Raise Unable where no key can be used at all: an old browser, a page without HTTPS, storage switched off. */
export async function checkPlace() {
  if (!globalThis.crypto?.subtle) throw new Unable("noCrypto");
  await withStore("readonly", (store) => store.count());
}

async function generate() {
  try {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return { alg: "Ed25519", pair };
  } catch (error) {
    if (!["NotSupportedError", "SyntaxError", "TypeError"].includes(error.name)) throw error;
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

/** A new key in place of the old one, which is gone for good. Read back, so that a store that forgets shows at once. */
export async function replaceKey(owner = currentOwner()) {
  const made = await generate();
  await withStore("readwrite", (store) => store.put(made, owner));
  if (!(await findKey(owner))) throw new Unable("noStore");
  await navigator.storage?.persist?.(); // asks the browser not to clear it when space is short; it may say no
  return made;
}

async function jwkOf(pair) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return y === undefined ? { crv, kty, x } : { crv, kty, x, y };
}

async function nameOf(pair) {
  return b64url(await crypto.subtle.digest("SHA-256", encoder.encode(canonical(await jwkOf(pair)))));
}

async function signWith({ alg, pair }, bytes) {
  const how = alg === "Ed25519" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
  return b64url(await crypto.subtle.sign(how, pair.privateKey, bytes));
}

async function compact(key, typ, payload) {
  const header = { alg: key.alg, jwk: await jwkOf(key.pair), typ };
  const input = `${b64url(encoder.encode(canonical(header)))}.${b64url(encoder.encode(payload))}`;
  return `${input}.${await signWith(key, encoder.encode(input))}`;
}

/** The public half: its required members only (RFC 7638). */
export async function publicJwk(owner = currentOwner()) {
  return jwkOf((await ensureKey(owner)).pair);
}

/** The key's name everywhere in the exchange: RFC 7638, SHA-256, base64url. */
export async function thumbprint(owner = currentOwner()) {
  return nameOf((await ensureKey(owner)).pair);
}

/** Sign bytes as they are (for a JWS: its signing input); the raw 64-byte signature in base64url. */
export async function signBytes(bytes, owner = currentOwner()) {
  return signWith(await ensureKey(owner), bytes);
}

/** Proof that we hold the key: a compact JWS over the server's challenge. See exchange/accounts/keys.py. */
export async function proveKey(challenge, owner = currentOwner()) {
  return compact(await ensureKey(owner), PROOF, challenge);
}

// -- the page of keys ----------------------------------------------------------------------------------------------

/** The row of a key on this page, if it is registered. */
function rowOf(name) {
  return [...document.querySelectorAll("[data-thumbprint]")].find((row) => row.dataset.thumbprint === name);
}

const isActive = (row) => row !== undefined && !("revoked" in row.dataset);

async function register(form) {
  const owner = form.dataset.keyOwner;
  await checkPlace();
  const row = rowOf(await thumbprint(owner));
  if (isActive(row)) {
    form.querySelector("[data-key-says]").textContent = form.dataset.already; // replacing it would lose a key in use
    return;
  }
  if (row) await replaceKey(owner); // a revoked key never comes back
  form.elements.proof.value = await proveKey(form.dataset.challenge, owner);
  form.submit();
}

/** A new key that the old one vouches for. Both are kept until the server has taken the new one: see settle(). */
async function rotate(form) {
  const owner = form.dataset.keyOwner;
  const old = await findKey(owner);
  const next = await generate();
  await withStore("readwrite", (store) => store.put(next, owner + NEXT));
  form.elements.proof.value = await compact(next, PROOF, form.dataset.challenge);
  form.elements.endorsement.value = await compact(old, ROTATION, form.elements.proof.value);
  form.action = rowOf(await nameOf(old.pair)).dataset.rotate;
  form.submit();
}

/** After a rotation: the new key takes the old one's place as soon as the page lists it as active. */
async function settle(owner) {
  const next = await findKey(owner + NEXT);
  if (!next || !isActive(rowOf(await nameOf(next.pair)))) return;
  await withStore("readwrite", (store) => store.put(next, owner));
  await withStore("readwrite", (store) => store.delete(owner + NEXT));
}

/** Show which key is this browser's, and what can be done with it or without it. */
async function showOwn(page) {
  const { keyOwner: owner } = page.dataset;
  await checkPlace();
  await settle(owner);
  const mine = await findKey(owner);
  const row = mine && rowOf(await nameOf(mine.pair));
  if (row) row.querySelector("[data-own]").hidden = false;
  page.querySelector("[data-rotate]").hidden = !isActive(row);
  page.querySelector("[data-key-lost]").hidden = isActive(row) || !document.querySelector("[data-browser-key]");
}

function told(form) {
  return (error) => {
    console.error(error);
    form.querySelector("[data-key-says]").textContent = form.dataset[error.code] ?? form.dataset.failed;
  };
}

for (const [selector, act] of [["[data-key-form]", register], ["[data-rotate-form]", rotate]]) {
  for (const form of document.querySelectorAll(selector)) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(form).catch(told(form));
    });
  }
}
for (const page of document.querySelectorAll("[data-own-keys]")) {
  showOwn(page).catch(told(page.querySelector("[data-key-form]")));
}
