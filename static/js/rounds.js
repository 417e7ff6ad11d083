// Shows a reviewer what a score on the own scale is on 0–100, while it is typed.
const form = document.querySelector("form[data-scale]");
const input = form?.elements.namedItem("score_given");
const output = form?.querySelector("[data-mapped]");
if (input && output) {
  const label = output.textContent.split(":")[0].trim();
  const worst = Number(form.dataset.worst);
  const best = Number(form.dataset.best);
  input.addEventListener("input", () => {
    const given = Number(input.value.replace(",", "."));
    const mapped = (100 * (given - worst)) / (best - worst);
    const sound = input.value.trim() !== "" && mapped >= 0 && mapped <= 100;
    output.textContent = sound
      ? `${label}: ${mapped.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })}`
      : "";
  });
}
