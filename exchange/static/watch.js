// Tells a reader that the other side has moved. It asks for a few bytes while the page is in sight, and changes nothing
// that stands on the page: what somebody is typing stays, and they look when they are ready.

const EVERY = 5_000; // milliseconds
const SLOWEST = 80_000; // after failures each wait is twice the one before, up to this

function isTyping() {
  return [...document.querySelectorAll("main form")].some((form) =>
    [...form.elements].some((box) => {
      if (box.type === "checkbox" || box.type === "radio") return box.checked !== box.defaultChecked;
      if (box.tagName === "SELECT") return [...box.options].some((one) => one.selected !== one.defaultSelected && one.index);
      return "defaultValue" in box && box.type !== "hidden" && box.value !== box.defaultValue;
    }),
  );
}

function show(place) {
  place.querySelector("[data-watch-typed]").hidden = !isTyping();
  place.querySelector("[data-watch-bar]").hidden = false;
}

/** The version that stands on the server; null when it could not be asked, "" when there is nothing to ask any more. */
async function ask(place) {
  try {
    const response = await fetch(place.dataset.watch, {
      headers: { Accept: "application/json", "If-None-Match": `"${place.dataset.version}"` },
      cache: "no-store",
    });
    if (response.status === 304) return place.dataset.version;
    if (response.ok) return (await response.json()).version;
    return response.status < 429 ? "" : null; // signed out, or not ours: asking again would not help
  } catch {
    return null; // no network for now
  }
}

function watch(place) {
  let wait = EVERY;
  let timer;
  const next = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, wait);
  };
  const look = async () => {
    const found = await ask(place);
    const moved = found !== null && found !== place.dataset.version;
    if (moved && found) show(place);
    if (moved) return document.removeEventListener("visibilitychange", turn);
    wait = found === null ? Math.min(wait * 2, SLOWEST) : EVERY;
    return next();
  };
  const turn = () => (document.hidden ? clearTimeout(timer) : look());
  document.addEventListener("visibilitychange", turn);
  next();
}

for (const place of document.querySelectorAll("[data-watch]")) watch(place);
