// The list of facilities: filters keep their state and the focus across updates, and are open where there is room;
// addresses stay short.

const opened = new Map();
let focused = "";
const wide = window.matchMedia("(min-width: 60rem)");

function remember(event) {
  if (event.target.matches?.("details[data-keep-open]")) opened.set(event.target.id, event.target.open);
}

function restore() {
  for (const box of document.querySelectorAll("details[data-keep-open]")) {
    if (opened.has(box.id)) box.open = opened.get(box.id);
    else if (box.id === "filters") box.open = wide.matches;
  }
}

document.addEventListener("toggle", remember, true);
document.addEventListener("htmx:beforeSwap", () => { focused = document.activeElement?.id ?? ""; });
document.addEventListener("htmx:afterSwap", () => {
  restore();
  if (document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "catalogue") return;
  const parameters = event.detail.formData;
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name).filter((value) => value !== "");
    parameters.delete(name);
    for (const value of values) parameters.append(name, value);
  }
});
restore();
