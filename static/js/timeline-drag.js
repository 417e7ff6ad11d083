// Draws new bookings and moves one's own, by pointer and by keyboard, on the grid of the row. What is put down is told
// by the event "timeline:drop"; timeline-save.js sends it, and the server decides. Touch scrolls; a tap opens the form.
const DAY = 1440;
const QUARTER = 15;
const THRESHOLD = 4;
const EDGE = 8;

const table = document.querySelector(".tl");
const inner = table.closest(".tl-in");
const scroll = table.closest(".tl-scroll");
const live = document.querySelector("[data-live]");
const words = JSON.parse(document.querySelector("form[data-move]").dataset.words);
const FIRST = Date.parse(`${table.dataset.first}T00:00Z`);
const LAST = Number(table.dataset.days) * DAY;
const dayName = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });

let act = null; // what is being done: { mode, by, bar, row, from, until, home, ghost, box }
let press = null; // a pointer that is down and has not moved yet

// --- time and place: minutes by the wall clock since the midnight that begins the first day -------------------------

const minutesOf = (wall) => (Date.parse(`${wall}Z`) - FIRST) / 60_000;
const wallOf = (minutes) => new Date(FIRST + minutes * 60_000).toISOString().slice(0, 16);
const clockOf = (minutes) => wallOf(minutes).slice(11);
const nameOf = (row) => row.querySelector("th > :is(a, span)").textContent;
const say = (text) => { live.textContent = text; };
const number = (element, letter) => Number(new RegExp(`(?:^| )${letter}(\\d+)(?: |$)`).exec(element.className)?.[1] ?? 0);
const rows = () => [...table.querySelectorAll("tr[data-step]")];

function placeOf(element) {
  const from = (element.closest("td").cellIndex - 1) * DAY + number(element, "s") * QUARTER;
  return { from, until: from + number(element, "d") * DAY + number(element, "w") * QUARTER };
}

function snapped(row, minutes, round = Math.round) {
  const step = Number(row.dataset.step);
  const anchor = Number(row.dataset.anchor);
  return round((minutes - anchor) / step) * step + anchor;
}

// What stands in the way as far as the page can tell; on rows of several units only the server knows.
function hindrances(row, besides) {
  const shown = row.dataset.units === "1" ? "td > :is(.b, .buffer, .off)" : "td > .off";
  const own = besides?.previousElementSibling?.matches(".buffer") ? besides.previousElementSibling : null;
  return [...row.querySelectorAll(shown)].filter((one) => one !== besides && one !== own).map(placeOf);
}
const isFree = (row, from, until, besides) => hindrances(row, besides).every((one) => one.until <= from || until <= one.from);

function present() {
  const now = inner.querySelector(".tl-now");
  return now ? number(now, "D") * DAY + number(now, "s") * QUARTER : 0;
}

// --- one thing at a time: begin, change, put down or take back ------------------------------------------------------

function begin(mode, by, row, from, until, bar = null) {
  const head = table.tHead.rows[0].cells[0].offsetWidth;
  act = { mode, by, row, from, until, bar, home: { row, from, until } };
  act.box = { left: head, unit: (table.offsetWidth - head) / LAST };
  act.ghost = document.createElement("div");
  act.ghost.className = "ghost";
  act.ghost.setAttribute("aria-hidden", "true");
  inner.append(act.ghost);
  bar?.classList.add("is-lifted");
  document.documentElement.classList.toggle("is-dragging", by === "pointer");
  draw();
}

function change(row, from, until) {
  const least = Math.min(Number(act.row.dataset.least), act.mode === "new" ? Infinity : act.home.until - act.home.from);
  const to = Math.min(Math.max(until, from + Math.max(least, QUARTER)), Math.max(LAST, act.home.until));
  if (row === act.row && from === act.from && to === act.until) return false;
  Object.assign(act, { row, from, until: to });
  draw();
  return true;
}

function draw() {
  const { row, from, until, box, ghost, bar } = act;
  ghost.style.transform = `translate(${box.left + from * box.unit}px, ${row.offsetTop + 4}px)`;
  ghost.style.width = `${(until - from) * box.unit}px`;
  ghost.textContent = `${clockOf(from)}–${clockOf(until)}`;
  act.isFree = isFree(row, from, until, bar);
  ghost.classList.toggle("is-taken", !act.isFree);
}

function tell() {
  const { row, from, until } = act;
  const when = `${dayName.format(new Date(FIRST + from * 60_000))}, ${clockOf(from)}–${clockOf(until)}`;
  say(`${nameOf(row)}, ${when}, ${act.isFree ? words.free : words.taken}`);
}

function finish(done) {
  done.ghost.remove();
  done.bar?.classList.remove("is-lifted");
  document.documentElement.classList.remove("is-dragging");
}

function takeBack() {
  const done = act;
  act = null;
  finish(done);
  say(words.back);
}

function putDown() {
  const { mode, row, from, until, bar, home, ghost } = act;
  if (mode !== "new" && row === home.row && from === home.from && until === home.until) return takeBack();
  const done = act;
  act = null;
  document.documentElement.classList.remove("is-dragging");
  ghost.classList.add("is-waiting");
  const detail = { mode, row, bar, ghost, home: home.row, start: wallOf(from), end: wallOf(until), finish: () => finish(done) };
  table.dispatchEvent(new CustomEvent("timeline:drop", { detail }));
  return undefined;
}

const pickUp = (bar, mode, by) =>
  begin(mode, by, bar.closest("tr"), minutesOf(bar.dataset.from), minutesOf(bar.dataset.until), bar);

// --- by pointer -----------------------------------------------------------------------------------------------------

let frame = 0;
let eaten = false;

function minuteAt(event) {
  const box = table.getBoundingClientRect();
  const head = table.tHead.rows[0].cells[0].offsetWidth;
  return Math.min(LAST, Math.max(0, ((event.clientX - box.left - head) / (box.width - head)) * LAST));
}

function rowAt(event) {
  const found = document.elementFromPoint(event.clientX, event.clientY)?.closest("tr[data-step]");
  return found && table.contains(found) ? found : null;
}

scroll.addEventListener("pointerdown", (event) => {
  if (event.button || event.pointerType === "touch" || act) return;
  const bar = event.target.closest("td > .b");
  const row = event.target.closest("tr[data-step]");
  if (!row || !event.target.closest("td") || (bar && !bar.dataset.seq)) return;
  const isEnd = bar && event.clientX > bar.getBoundingClientRect().right - Math.min(EDGE, bar.offsetWidth / 3);
  press = { bar, row, mode: bar ? (isEnd ? "resize" : "move") : "new", at: minuteAt(event), x: event.clientX, y: event.clientY, id: event.pointerId };
});

scroll.addEventListener("pointermove", (event) => {
  if (!press) return;
  if (!act) {
    if (Math.hypot(event.clientX - press.x, event.clientY - press.y) < THRESHOLD) return;
    scroll.setPointerCapture(press.id);
    if (press.bar) pickUp(press.bar, press.mode, "pointer");
    else {
      const from = snapped(press.row, press.at, Math.floor);
      begin("new", "pointer", press.row, from, from + Number(press.row.dataset.least));
    }
  }
  press.event = event;
  frame ||= requestAnimationFrame(follow);
});

function follow() {
  frame = 0;
  if (!act || !press) return;
  const { event, at, mode } = press;
  const moved = minuteAt(event) - at;
  if (mode === "new") {
    const end = minuteAt(event);
    const from = Math.min(snapped(act.row, at, Math.floor), snapped(act.row, end, Math.floor));
    change(act.row, from, snapped(act.row, Math.max(at, end), Math.ceil));
  } else if (mode === "resize") change(act.row, act.home.from, snapped(act.row, act.home.until + moved));
  else {
    const row = rowAt(event) ?? act.row;
    const from = snapped(row, act.home.from + moved);
    change(row, from, from + act.home.until - act.home.from);
  }
  if (followScroll(event)) frame = requestAnimationFrame(follow);
}

// Near an edge the window follows the pointer.
function followScroll(event) {
  const box = scroll.getBoundingClientRect();
  const across = event.clientX > box.right - 40 ? 14 : event.clientX < box.left + act.box.left + 30 ? -14 : 0;
  const down = event.clientY > box.bottom - 30 ? 10 : event.clientY < box.top + 60 ? -10 : 0;
  const [left, top] = [scroll.scrollLeft, scroll.scrollTop];
  if (across || down) scroll.scrollBy(across, down);
  return left !== scroll.scrollLeft || top !== scroll.scrollTop;
}

window.addEventListener("pointerup", () => {
  press &&= null;
  if (act?.by !== "pointer") return;
  eaten = true;
  setTimeout(() => { eaten = false; });
  putDown();
});
window.addEventListener("pointercancel", () => {
  press = null;
  if (act?.by === "pointer") takeBack();
});
scroll.addEventListener("dragstart", (event) => event.preventDefault());
scroll.addEventListener("click", (event) => {
  if (eaten) event.preventDefault();
  else if (event.pointerType === "touch") tapped(event);
}, true);

function tapped(event) {
  const row = event.target.closest("tr[data-book]");
  if (!row || !event.target.closest("td") || event.target.closest(".b")) return;
  const from = snapped(row, minuteAt(event), Math.floor);
  begin("new", "touch", row, from, from + Number(row.dataset.least));
  putDown();
}

// --- by keyboard ----------------------------------------------------------------------------------------------------

table.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (act) {
    event.stopPropagation();
    if (act.by === "keyboard") changeByKey(event);
    return;
  }
  const stop = event.target.closest("td > .b, tbody th > a");
  if (event.key === " " && stop?.matches(".b")) pickUpByKey(stop);
  else if (event.key.toLowerCase() === "n" && stop) newByKey(stop);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
window.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && act?.by === "pointer") {
    press = null;
    takeBack();
  }
}, true);

function pickUpByKey(bar) {
  if (!bar.dataset.seq || !bar.closest("tr[data-step]")) return say(words.fixed);
  pickUp(bar, "move", "keyboard");
  return say(words.picked);
}

function newByKey(stop) {
  const row = stop.closest("tr[data-book]");
  if (!row) return say(words.noform);
  const least = Number(row.dataset.least);
  const after = Math.max(stop.matches(".b") ? placeOf(stop).until : 0, present());
  for (let from = snapped(row, after, Math.ceil); from + least <= LAST; from += Number(row.dataset.step)) {
    if (isFree(row, from, from + least, null)) {
      begin("new", "keyboard", row, from, from + least);
      act.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
      tell();
      return say(`${live.textContent}. ${words.new}`);
    }
  }
  return say(words.full);
}

function changeByKey(event) {
  const { key, shiftKey } = event;
  if (key === "Tab") return takeBack();
  event.preventDefault();
  if (key === "Escape") return takeBack();
  if (key === "Enter" || key === " ") return putDown();
  const step = Number(act.row.dataset.step);
  const by = { ArrowRight: step, ArrowLeft: -step, PageDown: DAY, PageUp: -DAY }[key];
  if (by && shiftKey) change(act.row, act.from, act.until + by);
  else if (by) shift(act.row, by);
  else if (key === "ArrowDown" || key === "ArrowUp") shift(neighbour(key === "ArrowDown" ? 1 : -1), 0);
  else return undefined;
  act.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  return tell();
}

function shift(row, by) {
  const from = by ? act.from + by : snapped(row, act.from);
  const length = act.until - act.from;
  if (from + length > 0 && from < LAST) change(row, from, from + length);
}

function neighbour(step) {
  const all = rows();
  return all[all.indexOf(act.row) + step] ?? act.row;
}
