// Sends the file as the request's body, so that the server can write it to disk as it arrives, and shows how far it is.
// Without this module the form posts itself: the same door, no progress bar.

const form = document.getElementById("upload");

function tell(text) {
  const place = form.querySelector("[data-error]");
  place.textContent = text;
  place.hidden = !text;
}

function progress(text, percent) {
  const box = form.querySelector("[data-progress]");
  box.hidden = text === null;
  if (text === null) return;
  const says = box.querySelector("[data-says]");
  if (says.textContent !== text) says.textContent = text; // a status region: only changes are read out
  const bar = box.querySelector("progress");
  if (percent === null) bar.removeAttribute("value");
  else bar.value = percent;
  box.querySelector("[data-percent]").textContent = percent === null ? "" : `${percent} %`;
}

function finished(request) {
  progress(null);
  let answer = {};
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    answer = { message: form.dataset.broken }; // an error page of a proxy, or nothing at all
  }
  if (request.status === 200) {
    window.removeEventListener("beforeunload", keep);
    window.location.assign(answer.next);
    return;
  }
  form.querySelector("button").disabled = false;
  const passes = answer.errors?.[0]?.passes;
  tell([answer.message || form.dataset.broken, passes].filter(Boolean).join(" "));
}

function keep(event) {
  event.preventDefault();
}

function send(file) {
  const request = new XMLHttpRequest();
  request.open("PUT", `${form.dataset.put}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) progress(form.dataset.sending, Math.floor((100 * event.loaded) / event.total));
  });
  request.upload.addEventListener("load", () => {
    window.removeEventListener("beforeunload", keep); // the server goes on by itself now
    progress(form.dataset.reading, null);
  });
  request.addEventListener("load", () => finished(request));
  request.addEventListener("error", () => finished(request));
  window.addEventListener("beforeunload", keep);
  form.querySelector("button").disabled = true;
  progress(form.dataset.sending, 0);
  request.send(file);
}

form?.addEventListener("submit", (event) => {
  const file = form.elements.file.files[0];
  if (!file) return;
  event.preventDefault();
  tell("");
  if (file.size > Number(form.dataset.limit)) tell(form.dataset.tooLarge);
  else send(file);
});
