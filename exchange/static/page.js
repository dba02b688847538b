// What every page can do with script and does not need it for: open the menu on a phone, take the reader to the
// error summary, copy a long value, show a table's rows as lists on a phone.

function menu() {
  const button = document.querySelector("[data-menu]");
  if (!button) return;
  const target = document.getElementById(button.getAttribute("aria-controls"));
  const show = (open) => {
    button.setAttribute("aria-expanded", String(open));
    target.classList.toggle("is-folded", !open);
  };
  button.hidden = false;
  show(false);
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  target.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(false);
    button.focus();
  });
}

function focusErrors() {
  const summary = document.querySelector("[data-error-summary]");
  if (!summary) return;
  summary.focus();
  document.title = `${summary.dataset.errorSummary}: ${document.title}`;
}

function copyButtons() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) return; // plain http on another host: the whole value is in the title and can be selected
    button.hidden = false;
    const says = button.parentElement.querySelector("[role=status]");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        says.textContent = button.dataset.done;
      } catch {
        says.textContent = button.dataset.failed;
      }
      setTimeout(() => (says.textContent = ""), 4000);
    });
  }
}

// A form sent twice acts once: the server guards it too, this only spares the reader the surprise.
function sendOnce() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

// On a phone the style sheet stacks the cells of a row, each beside its column's heading. The roles say that it is a
// table still: browsers forget it of elements that are laid out otherwise.
function stackTables() {
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  for (const table of document.querySelectorAll(".table-box:not(.is-data) > table")) {
    const headings = [...table.querySelectorAll("thead th")].map((th) => th.textContent.trim());
    for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, td")]) part.setAttribute("role", roles[part.tagName]);
    for (const row of table.querySelectorAll("tbody tr")) {
      let column = 0;
      for (const cell of row.children) {
        if (cell.colSpan === 1 && cell.textContent.trim()) cell.dataset.heading = headings[column] ?? "";
        if (cell.tagName === "TH") cell.setAttribute("role", "rowheader");
        column += cell.colSpan;
      }
    }
    for (const th of table.querySelectorAll("thead th")) th.setAttribute("role", "columnheader");
    table.classList.add("stacks");
  }
}

menu();
stackTables();
focusErrors();
copyButtons();
sendOnce();
