// Walks, zooms and, on a phone, changes the day of each timeline of the page. Everything is reachable without it.
const PHONE = window.matchMedia("(max-width: 640px)");
const LARGEST = 4;

for (const wrap of document.querySelectorAll(".tl-wrap")) start(wrap);

function start(wrap) {
  const table = wrap.querySelector(".tl");
  const inner = wrap.querySelector(".tl-in");
  const scroll = wrap.querySelector(".tl-scroll");
  zooming(wrap, inner, scroll);
  days(wrap, table);
  walking(table);
  if (!PHONE.matches) showFirst(table, scroll);
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

// One tab stop for the whole grid; the arrows walk from bar to bar and from row to row.
function walking(table) {
  const rows = [...table.tBodies[0].rows];
  const stops = rows.map((row) => [...row.querySelectorAll("th > a, td > .b")]);
  const every = stops.flat();
  if (!every.length || PHONE.matches) return;
  for (const stop of every) stop.tabIndex = -1;
  let current = table.querySelector("td > .b") ?? every[0];
  current.tabIndex = 0;

  const go = (stop) => {
    if (!stop) return;
    current.tabIndex = -1;
    current = stop;
    current.tabIndex = 0;
    current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  table.addEventListener("focusin", (event) => {
    if (every.includes(event.target) && event.target !== current) {
      current.tabIndex = -1;
      current = event.target;
      current.tabIndex = 0;
    }
  });
  const centre = (stop) => {
    const box = stop.getBoundingClientRect();
    return box.left + box.width / 2;
  };
  const nearest = (row, at) =>
    row.reduce((best, stop) => (!best || Math.abs(centre(stop) - at) < Math.abs(centre(best) - at) ? stop : best), null);
  const vertical = (from, step) => {
    const at = centre(current);
    for (let n = from + step; n >= 0 && n < stops.length; n += step) if (stops[n].length) return nearest(stops[n], at);
    return null;
  };

  table.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !every.includes(event.target)) return;
    const row = stops.findIndex((list) => list.includes(event.target));
    const list = stops[row];
    const index = list.indexOf(event.target);
    const moves = {
      ArrowRight: () => list[index + 1],
      ArrowLeft: () => list[index - 1],
      ArrowDown: () => vertical(row, 1),
      ArrowUp: () => vertical(row, -1),
      Home: () => list[0],
      End: () => list.at(-1),
      PageDown: () => nearest(stops[Math.min(stops.length - 1, row + 8)], centre(event.target)),
      PageUp: () => nearest(stops[Math.max(0, row - 8)], centre(event.target)),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    go(move());
  });
}

// Bring now, or the first bar, into view instead of midnight.
function showFirst(table, scroll) {
  const first = table.closest(".tl-in").querySelector(".tl-now") ?? table.querySelector("td > .b");
  if (!first) return;
  const head = table.querySelector("tbody th")?.offsetWidth ?? 0;
  const left = first.getBoundingClientRect().left - scroll.getBoundingClientRect().left + scroll.scrollLeft;
  scroll.scrollLeft = Math.max(0, left - head - 120);
}
