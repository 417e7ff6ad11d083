// Sends what was put down on the timeline: a new booking opens its form with the times filled in; a moved one is
// asked of the server, which decides. A refusal is shown where the bar was dropped, and the bar is where it was.
const table = document.querySelector(".tl");
const inner = table.closest(".tl-in");
const form = document.querySelector("form[data-move]");
const words = JSON.parse(form.dataset.words);
const live = document.querySelector("[data-live]");
const token = form.querySelector("[name=csrf_token]").value;

table.addEventListener("timeline:drop", ({ detail }) => (detail.mode === "new" ? openForm(detail) : move(detail)));

function openForm({ row, start, end }) {
  const query = new URLSearchParams({ week: start.slice(0, 10), start, end });
  window.location.assign(`${row.dataset.book}?${query}#book`);
}
window.addEventListener("pageshow", () => document.querySelectorAll(".ghost").forEach((ghost) => ghost.remove()));

async function move(dropped) {
  inner.querySelector(".tl-refusal")?.remove();
  live.textContent = words.moving;
  const refusal = await refusalOf(dropped);
  if (refusal) {
    show(refusal, dropped.ghost);
    live.textContent = "";
    dropped.finish();
    dropped.bar.focus({ preventScroll: true });
    return;
  }
  await refresh([dropped.home, dropped.row]);
  dropped.finish();
  const bar = table.querySelector(`tr[data-row="${dropped.row.dataset.row}"] [data-key="${dropped.bar.dataset.key}"]`);
  bar?.focus({ preventScroll: true });
  live.textContent = `${words.moved} ${bar?.getAttribute("aria-label") ?? ""}`;
}

// What the server says against it; nothing when it was done.
async function refusalOf({ bar, row, start, end }) {
  const { key, seq } = bar.dataset;
  const body = new URLSearchParams({ booking: key, instrument: row.dataset.row, sequence: seq, start, end });
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if (answer.redirected) return words.signedout;
    if (answer.ok) return "";
    const isProblem = answer.headers.get("Content-Type")?.includes("json");
    return isProblem ? (await answer.json()).title : words.failed;
  } catch {
    return words.failed;
  }
}

function show(text, ghost) {
  const box = document.createElement("div");
  box.className = "tl-refusal";
  box.setAttribute("role", "alert");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", () => box.remove());
  box.append(close, text);
  inner.append(box);
  const { left, bottom } = ghost.getBoundingClientRect();
  const frame = inner.getBoundingClientRect();
  const across = Math.max(0, Math.min(left - frame.left, frame.width - box.offsetWidth));
  box.style.transform = `translate(${across}px, ${Math.min(bottom - frame.top + 4, frame.height - box.offsetHeight)}px)`;
  box.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// The server draws the rows anew: those of the facilities concerned, for another row may share what was freed.
async function refresh(touched) {
  const url = new URL(window.location.href);
  url.searchParams.delete("after");
  const bodies = new Set(touched.map((row) => row.parentElement));
  const ids = [...bodies].flatMap((body) => [...body.querySelectorAll("tr[data-row]")].map((row) => row.dataset.row));
  for (const id of ids) url.searchParams.append("only", id);
  const answer = await fetch(url);
  if (!answer.ok) {
    window.location.reload();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const fresh of page.querySelectorAll("tr[data-row]")) {
    table.querySelector(`tr[data-row="${fresh.dataset.row}"]`)?.replaceWith(document.importNode(fresh, true));
  }
  table.dispatchEvent(new CustomEvent("timeline:rows"));
}
