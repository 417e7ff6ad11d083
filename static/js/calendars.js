// Copies a calendar address; without JavaScript the field can be selected and copied by hand.
const status = document.querySelector("[data-copy-status]");

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return; // refused, or not over https: the address is selected, so that the keyboard copies it
    }
    button.textContent = button.dataset.copied;
    status.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; status.textContent = ""; }, 3000);
  });
}
