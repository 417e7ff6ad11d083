// The list of facilities: filters stay open across updates, addresses stay short, filters are open where there is room.

const opened = new Map();
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
document.addEventListener("htmx:afterSwap", restore);
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
