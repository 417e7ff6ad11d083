// Walks, zooms and, on a phone, changes the day of each timeline of the page. Everything is reachable without it.
const PHONE = window.matchMedia("(max-width: 640px)");
const LARGEST = 4;
const STOPS = "th > a, td > .b";

for (const wrap of document.querySelectorAll(".tl-wrap")) start(wrap);

function start(wrap) {
  const table = wrap.querySelector(".tl");
  const inner = wrap.querySelector(".tl-in");
  const scroll = wrap.querySelector(".tl-scroll");
  zooming(wrap, inner, scroll);
  days(wrap, table);
  naming(table);
  if (PHONE.matches) return;
  walking(table);
  showFirst(table, scroll);
}

function zooming(wrap, inner, scroll) {
  const tools = wrap.querySelector(".tl-zoom");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const step = Number(event.target.dataset?.step);
    if (!step) return;
    const zoom = Math.min(LARGEST, Math.max(0, Number(inner.dataset.zoom) + step));
    const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / scroll.scrollWidth;
    inner.dataset.zoom = String(zoom);
    scroll.scrollLeft = middle * scroll.scrollWidth - scroll.clientWidth / 2;
  });
}

// Days whose agenda is on the page are changed in place; the others are pages of their own.
function days(wrap, table) {
  const nav = wrap.querySelector(".tl-days");
  nav.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-day]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    table.dataset.shown = link.dataset.day;
    for (const other of nav.querySelectorAll("a")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "date");
  });
}

// What a bar is called is shown when a pointer rests on it; thousands of bars do not carry it twice.
function naming(table) {
  table.addEventListener("pointerover", (event) => {
    const bar = event.target.closest("td > .b");
    if (bar && !bar.title) bar.title = bar.getAttribute("aria-label");
  });
}

// One tab stop for the whole grid; the arrows walk from bar to bar and from row to row.
function walking(table) {
  let current = null;
  const rows = () => [...table.querySelectorAll(":scope > tbody > tr")];
  const stops = (row) => [...row.querySelectorAll(STOPS)];

  const makeCurrent = (stop) => {
    if (current) current.tabIndex = -1;
    current = stop;
    current.tabIndex = 0;
  };
  const rove = () => {
    for (const stop of table.querySelectorAll(`:scope > tbody :is(${STOPS})`)) stop.tabIndex = -1;
    const first = current?.isConnected ? current : table.querySelector("td > .b") ?? table.querySelector("tbody th > a");
    if (first) makeCurrent(first);
  };
  const go = (stop) => {
    if (!stop) return;
    makeCurrent(stop);
    current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const centre = (stop) => {
    const box = stop.getBoundingClientRect();
    return box.left + box.width / 2;
  };
  const nearest = (row, at) =>
    row.reduce((best, stop) => (!best || Math.abs(centre(stop) - at) < Math.abs(centre(best) - at) ? stop : best), null);
  const vertical = (row, step) => {
    const all = rows();
    const at = centre(current);
    for (let n = all.indexOf(row) + step; n >= 0 && n < all.length; n += step) {
      const found = stops(all[n]);
      if (found.length) return nearest(found, at);
    }
    return null;
  };
  const far = (row, step) => {
    const all = rows();
    const n = Math.min(all.length - 1, Math.max(0, all.indexOf(row) + step));
    return nearest(stops(all[n]), centre(current));
  };

  table.addEventListener("focusin", (event) => {
    if (event.target !== current && event.target.matches(STOPS)) makeCurrent(event.target);
  });
  table.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !event.target.matches(STOPS)) return;
    const row = event.target.closest("tr");
    const list = stops(row);
    const index = list.indexOf(event.target);
    const moves = {
      ArrowRight: () => list[index + 1],
      ArrowLeft: () => list[index - 1],
      ArrowDown: () => vertical(row, 1),
      ArrowUp: () => vertical(row, -1),
      Home: () => list[0],
      End: () => list.at(-1),
      PageDown: () => far(row, 8),
      PageUp: () => far(row, -8),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    go(move());
  });
  table.addEventListener("timeline:rows", rove);
  table.addEventListener("htmx:afterSwap", rove);
  rove();
}

// Bring now, or the first bar, into view instead of midnight.
function showFirst(table, scroll) {
  const first = table.closest(".tl-in").querySelector(".tl-now") ?? table.querySelector("td > .b");
  if (!first) return;
  const head = table.querySelector("tbody th")?.offsetWidth ?? 0;
  const left = first.getBoundingClientRect().left - scroll.getBoundingClientRect().left + scroll.scrollLeft;
  scroll.scrollLeft = Math.max(0, left - head - 120);
}
