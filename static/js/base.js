// What every page has: focus on the first error, nothing that a page could not do without.
const first = document.querySelector("[data-focus]");
if (first) first.focus();

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}
