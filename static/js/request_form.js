// The request's form: paintable calendars, and an autosave that never races with a button.
import { enhanceAll } from "./paint.js";

enhanceAll(document);
document.addEventListener("htmx:load", (event) => enhanceAll(event.detail.elt));

// A refused save (422) or an older version (409) has its own words: show them where the answer belongs.
document.addEventListener("htmx:beforeSwap", (event) => {
  if ([409, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

const status = () => document.getElementById("save-status");
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, () => { status().textContent = status().dataset.offline; });
}

let saving = 0;
document.addEventListener("htmx:beforeRequest", () => { saving += 1; });
document.addEventListener("htmx:afterRequest", () => { saving -= 1; });

// A button pressed while an autosave is on its way waits for it: the form's version changes with the answer.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(".request-form") || saving === 0) return;
  event.preventDefault();
  document.addEventListener("htmx:afterSettle", () => form.requestSubmit(event.submitter), { once: true });
});

// After a part was added or removed the reader goes on there.
document.addEventListener("htmx:afterSettle", (event) => {
  const button = event.detail.requestConfig?.elt;
  if (!button?.matches?.("button[name=do]")) return;
  const summary = document.querySelector("#request-form [data-focus]");
  const parts = document.querySelectorAll("fieldset.part");
  const place = button.value === "add_part" ? parts[parts.length - 1] : document.getElementById(button.value.includes("lag") ? "lags" : "parts");
  (summary ?? place)?.focus();
});
