// The editor of a test room works without this. With it: Ctrl+Enter asks, and while one types the rules answer whether
// the question would be let through. Checking spends nothing and looks at no data.

const form = document.querySelector("form[data-querypad]");
const WAIT = 700; // milliseconds without typing before we ask

function keys(area) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function advise(area) {
  const says = form.querySelector("[data-querypad-says]");
  let timer;
  let asked = 0;
  const check = async () => {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.querypad, { method: "POST", body: new FormData(form) });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      if (mine !== asked) return; // more was typed meanwhile
      says.textContent = found.ok ? found.message : [`${found.code}:`, found.message, found.passes].filter(Boolean).join(" ");
    } catch {
      says.textContent = ""; // advice only: asking still works and says what is wrong
    }
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    says.textContent = "";
    if (area.value.trim()) timer = setTimeout(check, WAIT);
  });
}

if (form) {
  const area = form.querySelector("textarea");
  keys(area);
  advise(area);
}
