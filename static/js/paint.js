// Makes the selects of a calendar (templates/booking/requests/_calendar.html) paintable: by pointer and by keyboard.
// The selects stay the truth: what is painted is written into them, and the form sends them.
const KINDS = ["", "preferred", "impossible"];
const SIGNS = { "": "·", preferred: "✓", impossible: "✕" };

const word = (table, kind) => table.dataset[kind || "possible"];
const next = (kind) => KINDS[(KINDS.indexOf(kind) + 1) % KINDS.length];

function show(cell) {
  const { select, button, table } = cell;
  const kind = select.value;
  button.textContent = SIGNS[kind];
  button.setAttribute("aria-label", `${select.getAttribute("aria-label")}: ${word(table, kind)}`);
  cell.td.dataset.kind = kind || "possible";
}

function paint(cell, kind) {
  if (cell.select.value === kind) return;
  cell.select.value = kind;
  show(cell);
}

function enhance(table) {
  if (table.dataset.ready) return;
  table.dataset.ready = "yes";
  const group = table.closest(".paint");
  const status = group.querySelector("[data-paint-status]");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((td) => makeCell(table, td)));
  const all = rows.flat().filter(Boolean);
  if (!all.length) return;
  table.setAttribute("role", "grid");
  group.querySelector("[data-paint-help]").hidden = false;
  let here = all[0];
  here.button.tabIndex = 0;

  const find = (button) => all.find((cell) => cell.button === button);
  const say = (text) => { status.textContent = text; };
  const told = (cell) => say(cell.button.getAttribute("aria-label"));
  const finished = (cell) => cell.select.dispatchEvent(new Event("change", { bubbles: true }));

  function go(cell) {
    if (!cell) return;
    here.button.tabIndex = -1;
    here = cell;
    here.button.tabIndex = 0;
    here.button.focus();
  }

  function step(cell, down, right) {
    let row = rows.findIndex((line) => line.includes(cell));
    let column = rows[row].indexOf(cell);
    for (;;) {
      row += down;
      column += right;
      if (!rows[row] || column < 0 || column >= rows[row].length) return null;
      if (rows[row][column]) return rows[row][column];
    }
  }

  function cycle(cell) {
    paint(cell, next(cell.select.value));
    told(cell);
    finished(cell);
  }

  // keyboard
  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table.addEventListener("keydown", (event) => {
    const cell = find(event.target);
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const line = rows.find((candidates) => candidates.includes(cell)).filter(Boolean);
    if (MOVES[event.key]) go(step(cell, ...MOVES[event.key]));
    else if (event.key === "Home") go(line[0]);
    else if (event.key === "End") go(line.at(-1));
    else if ([" ", "Enter", "p", "P"].includes(event.key)) cycle(cell);
    else return;
    event.preventDefault();
  });

  // pointer: the first cell decides the kind, the cells that follow take it. A finger that scrolls paints nothing.
  let stroke = null;
  const begin = () => {
    if (stroke.painted) return;
    stroke.painted = true;
    paint(stroke.last, stroke.kind);
    told(stroke.last);
  };
  table.addEventListener("pointerdown", (event) => {
    const cell = find(event.target);
    if (!cell || event.button !== 0) return;
    stroke = { kind: next(cell.select.value), id: event.pointerId, last: cell, painted: false };
    if (event.target.hasPointerCapture?.(event.pointerId)) event.target.releasePointerCapture(event.pointerId);
    if (event.pointerType !== "touch") {
      begin();
      go(cell);
      event.preventDefault();
    }
  });
  table.addEventListener("pointermove", (event) => {
    if (!stroke || event.pointerId !== stroke.id) return;
    const cell = find(document.elementFromPoint(event.clientX, event.clientY));
    if (!cell || cell === stroke.last) return;
    begin();
    paint(cell, stroke.kind);
    stroke.last = cell;
  });
  const end = (event) => {
    if (!stroke || event.pointerId !== stroke.id) return;
    if (event.type === "pointerup") begin();
    if (stroke.painted) finished(stroke.last);
    stroke = null;
  };
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  // assistive technology clicks without a pointer
  table.addEventListener("click", (event) => {
    const cell = find(event.target);
    if (cell && event.detail === 0) cycle(cell);
  });

  // whole rows and columns
  const whole = (th, cells) => {
    if (!cells.length) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "paint-whole";
    button.append(...th.childNodes);
    const name = button.textContent.trim().replace(/\s+/g, " ");
    button.setAttribute("aria-label", `${table.dataset.whole} ${name}`);
    th.append(button);
    button.addEventListener("click", () => {
      const kind = next(cells[0].select.value);
      cells.forEach((cell) => paint(cell, kind));
      say(`${name}: ${word(table, kind)}`);
      finished(cells[0]);
    });
  };
  [...table.tBodies[0].rows].forEach((row, place) => whole(row.cells[0], rows[place].filter(Boolean)));
  [...table.tHead.rows[0].cells].slice(1).forEach((th, place) =>
    whole(th, rows.map((line) => line[place]).filter(Boolean)));
}

function makeCell(table, td) {
  const select = td.querySelector("select");
  if (!select) return null;
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1;
  button.className = "paint-button";
  select.hidden = true;
  td.append(button);
  const cell = { table, td, select, button };
  show(cell);
  return cell;
}

export function enhanceAll(root) {
  if (root.matches?.("table[data-paint]")) enhance(root);
  for (const table of root.querySelectorAll?.("table[data-paint]") ?? []) enhance(table);
}
