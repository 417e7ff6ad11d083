// Keeps the last day of the booking form with the first one until the member has chosen another.
const first = document.querySelector("#book input[name=day]");
const last = document.querySelector("#book input[name=end_day]");

if (first && last) {
  let known = first.value;
  first.addEventListener("change", () => {
    if (last.value === known || last.value === "" || last.value < first.value) last.value = first.value;
    known = first.value;
  });
}
