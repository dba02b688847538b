// The editor of a test room works without this. With it: what may be written is put where the cursor stands, and while
// one types the rules answer whether the question would be let through, where it stops, and what is nearest to it.
// Checking spends nothing and looks at no data. Keys: see the list under the editor (room.html).

const form = document.querySelector("form[data-querypad]");
const WAIT = 700; // milliseconds without typing before we ask
const TICK = 10_000; // between two looks at the clock

/** Replace what is selected, so that Ctrl+Z takes it back: only this old command is undone by a browser. */
function write(area, text) {
  area.focus();
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  }
}

function put(area, text) {
  area.focus();
  area.select();
  write(area, text);
}

/** A position counts characters; a text area counts halves of some. */
function place(text, position) {
  return [...text].slice(0, position).join("").length;
}

function inserts(area) {
  const list = document.querySelector("[data-inserts]");
  for (const code of list ? list.querySelectorAll("[data-insert]") : []) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "insert";
    button.setAttribute("aria-label", list.dataset.inserts.replace("{text}", code.dataset.insert));
    code.replaceWith(button);
    button.append(code);
    button.addEventListener("click", () => write(area, code.dataset.insert));
  }
  for (const link of document.querySelectorAll("[data-put]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opened elsewhere
      event.preventDefault();
      put(area, link.dataset.put);
    });
  }
}

/** What the last check found: where the question stopped, and what would pass. */
const found = { position: null, length: 1, nearest: document.querySelector("[data-fix]")?.dataset.put ?? null };

function go(area) {
  if (found.position === null) return;
  const start = place(area.value, found.position);
  area.focus();
  area.setSelectionRange(start, Math.min(area.value.length, start + found.length));
}

function use(area) {
  if (found.nearest) put(area, found.nearest);
}

function keys(area) {
  document.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    const example = event.altKey && !control && document.querySelectorAll("a.chip[data-put]")[Number(event.key) - 1];
    if (event.key === "Enter" && control) form.requestSubmit(event.shiftKey ? form.querySelector("[data-twin]") : null);
    else if (event.key === "." && control) use(area);
    else if (event.key === "F8") go(area);
    else if (example) put(area, example.dataset.put);
    else return;
    event.preventDefault();
  });
  document.querySelector("[data-keys]")?.removeAttribute("hidden");
}

function refused(says, area, told) {
  const shown = form.querySelector("[data-says-refused]").content.cloneNode(true);
  const at = (name) => shown.querySelector(`[data-${name}]`);
  at("message").textContent = `${told.code}: ${told.message}`;
  at("passes").textContent = told.passes ?? "";
  if (told.place) [at("before").textContent, at("at").textContent, at("after").textContent] = told.place;
  else at("place").remove();
  if (told.nearest) at("text").textContent = told.nearest;
  else at("nearest").remove();
  at("go")?.addEventListener("click", () => go(area));
  at("use")?.addEventListener("click", () => use(area));
  says.append(shown);
}

function advise(area) {
  const says = form.querySelector("[data-says]");
  let timer;
  let asked = 0;
  const tell = (told) => {
    Object.assign(found, { position: told.position ?? null, length: told.place?.[1].length ?? 1, nearest: told.nearest ?? null });
    says.replaceChildren();
    says.className = told.ok === undefined ? "says" : told.ok ? "says is-good" : "says is-bad";
    if (told.ok) says.textContent = told.message;
    else if (told.ok === false) refused(says, area, told);
  };
  const check = async () => {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.querypad, { method: "POST", body: new FormData(form) });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (mine !== asked) return; // more was typed meanwhile
      tell(told);
      left(told.left);
    } catch {
      tell({}); // advice only: asking still works and says what is wrong
    }
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    if (area.value.trim()) timer = setTimeout(check, WAIT);
    else tell({});
  });
}

function meter(name, value) {
  const box = document.querySelector(`[data-meter="${name}"]`);
  if (!box) return;
  box.querySelector("progress").value = value;
  const shown = new Intl.NumberFormat(document.documentElement.lang).format(value);
  box.querySelector(".meter-text").textContent = box.dataset.says.replace("{value}", shown);
}

const room = document.querySelector("[data-closes-in]");
let ends = room ? performance.now() + Number(room.dataset.closesIn) * 1000 : null;

/** What others of the organisation have spent meanwhile shows too. */
function left(told) {
  if (!told) return;
  meter("questions", told.questions.spent);
  if (told.privacy) meter("privacy", told.privacy.spent);
  ends = performance.now() + told.seconds * 1000;
}

function clock() {
  setInterval(() => meter("minutes", Math.max(0, Math.floor((ends - performance.now()) / 60_000))), TICK);
}

if (form) {
  const area = form.querySelector("textarea");
  inserts(area);
  keys(area);
  if (form.dataset.querypad) advise(area);
  if (room) clock();
}
