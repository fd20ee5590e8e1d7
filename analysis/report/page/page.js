const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const series = name => all("svg.panel [data-s], .legend [data-s]").filter(e => e.dataset.s === name);
let pinned = "";

function choose(name) {
  for (const e of all(".on")) e.classList.remove("on");
  for (const figure of all("figure.chosen")) figure.classList.remove("chosen");
  if (!name) return;
  for (const e of series(name)) {
    e.classList.add("on");
    e.closest("figure").classList.add("chosen");
  }
}

function pin(name) {
  pinned = pinned === name ? "" : name;
  for (const b of all(".legend button")) b.setAttribute("aria-pressed", String(b.parentNode.dataset.s === pinned));
  choose(pinned);
}

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

function show(mark) {
  const svg = mark.closest("svg"), name = mark.parentNode.dataset.s || "";
  const [at, ...rest] = mark.dataset.says.split(": ");
  tip.replaceChildren();
  for (const [tag, text] of [["b", name], ["span", `${svg.dataset.x} ${at}`], ["br", ""],
                             ["span", `${rest.join(": ")}; ${svg.dataset.y}`]]) {
    const part = document.createElement(tag);
    part.textContent = text;
    if (text || tag === "br") tip.append(part);
  }
  tip.hidden = false;
  const box = mark.getBoundingClientRect(), width = document.documentElement.clientWidth;
  tip.style.left = `${scrollX + Math.max(4, Math.min(box.x + 12, width - tip.offsetWidth - 4))}px`;
  const above = box.y - tip.offsetHeight - 4;
  tip.style.top = `${scrollY + (above < 0 ? box.bottom + 4 : above)}px`;
  choose(name || pinned);
  mark.classList.add("on");
}

function hide() {
  tip.hidden = true;
  choose(pinned);
}

for (const mark of all(".hits circle")) {
  mark.dataset.says = mark.textContent;
  mark.replaceChildren();
  mark.addEventListener("pointerenter", () => show(mark));
  mark.addEventListener("pointerleave", hide);
  mark.addEventListener("click", () => pin(mark.parentNode.dataset.s || ""));
}

for (const svg of all("svg.panel")) {
  const marks = all(".hits circle", svg);
  if (!marks.length) continue;
  let at = -1;
  svg.tabIndex = 0;
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (event.key === "Escape") { pin(pinned); hide(); }
    if (event.key === "Enter" && at >= 0) pin(marks[at].parentNode.dataset.s || "");
    if (!step) return;
    event.preventDefault();
    at = (at + step + marks.length) % marks.length;
    show(marks[at]);
  });
}

for (const entry of all(".legend [data-s]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.append(...entry.childNodes);
  entry.append(button);
  button.addEventListener("pointerenter", () => choose(entry.dataset.s));
  button.addEventListener("pointerleave", () => choose(pinned));
  button.addEventListener("focus", () => choose(entry.dataset.s));
  button.addEventListener("blur", () => choose(pinned));
  button.addEventListener("click", () => pin(entry.dataset.s));
}

for (const drawn of all("svg.panel g[data-s]:not(.hits)")) {
  drawn.addEventListener("pointerenter", () => choose(drawn.dataset.s));
  drawn.addEventListener("pointerleave", () => choose(pinned));
}

function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details:not([open])");
  for (const e of folded) e.open = true;
});
addEventListener("afterprint", () => { for (const e of folded) e.open = false; });

for (const head of all("th")) {
  const button = head.querySelector("button");
  if (!button) continue;
  button.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const at = [...head.parentNode.children].indexOf(head);
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = row => row.children[at].dataset.v ?? row.children[at].textContent;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)], [p, q] = [Number(x), Number(y)];
      if (x !== "" && y !== "" && !isNaN(p) && !isNaN(q)) return p - q;
      return x < y ? -1 : x > y ? 1 : 0;
    };
    body.append(...[...body.rows].sort((a, b) => up ? compare(a, b) : compare(b, a)));
  });
}

const trials = document.getElementById("trial-data");
if (trials) explorer(document.getElementById("trial-table"), JSON.parse(trials.textContent));
