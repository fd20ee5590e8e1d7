const part = id => document.getElementById(id);
const way = document.documentElement.dataset.refresh;
const EVERY = 2000;
let now = JSON.parse(part("data").textContent), shownText = "", update = null;

function duration(seconds) {
  const s = Math.round(seconds), two = n => String(n).padStart(2, "0");
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${two(Math.floor(s % 3600 / 60))} min`;
  return s >= 60 ? `${Math.floor(s / 60)} min ${two(s % 60)} s` : `${s} s`;
}

const whole = n => Number(n).toLocaleString("en");

function write(e, text) { if (e.textContent !== text) e.textContent = text; }

function counts(it) {
  const left = it.seconds_left === null ? [] : [["time left, about", duration(it.seconds_left)]];
  const pace = it.rows_per_second === null ? [] : [["rows per second", whole(Math.round(it.rows_per_second))]];
  const done = it.completed + it.diverged + it.stopped;
  const early = it.stopped ? [["stopped early", it.stopped]] : [];
  const shown = [["trials done", `${done} of ${it.trials}`], ["running", it.running_trials.length],
    ["completed", it.completed], ["diverged", it.diverged], ...early, ["failed", it.failed], ["lost", it.lost],
    ["not yet tried", it.not_tried], ["rows", whole(it.rows)], ...pace, ...left];
  part("counts").replaceChildren(...shown.map(([name, value]) => make("div", {},
    make("dt", {}, name), make("dd", (name === "failed" || name === "lost") && value ? {class: "bad"} : {}, String(value)))));
  part("done").max = it.trials || 1;
  part("done").value = done;
}

function failures(it) {
  const list = it.failures.slice(0, 50).map(f => make("li", {}, make("b", {}, `${f.trial} ${f.status}`),
    `${f.host ? ` on ${f.host}` : ""}: ${f.error}`));
  const more = it.failures.length > 50 ? [make("p", {class: "soft"}, `and ${it.failures.length - 50} more; caviar status ${it.run} lists all`)] : [];
  part("failures").replaceChildren(...(list.length ? [make("h2", {}, "Failed or lost"), make("ul", {}, ...list), ...more] : []));
}

function curves(it) {
  const by = part("by"), names = Object.keys(it.groups);
  if (names.join() !== [...by.options].map(o => o.value).join())
    by.replaceChildren(...names.map(name => make("option", {value: name}, name || "nothing: all trials together")));
  const kept = sessionStorage.getItem("by");
  if (names.includes(kept)) by.value = kept;
  const dashes = ["", "6 2", "2 2", "7 2 2 2"], inked = line => line[1].startsWith("var(--ink");
  const lines = (it.groups[by.value] ?? []).map((line, i) => ({name: by.value ? `${by.value} = ${line[0]}` : line[0], short: line[0], colour: line[1], dashes: inked(line) ? dashes[i % 4] : "", line}));
  part("lines").replaceChildren(...key(lines.map(c => ({...c, name: c.short}))).childNodes);
  part("curves").replaceChildren(
    panel("train-mode loss, nats", lines.map(c => ({...c, points: c.line[2]}))),
    panel(`${it.second}, nats (population statistics)`, lines.map(c => ({...c, points: c.line[3]}))));
}

function trials(it) {
  if (!it.explorer) return;
  if (update) update(it.explorer);
  else update = explorer(part("trials"), it.explorer);
}

function show(it) {
  write(part("state"), it.says);
  counts(it);
  const drawn = JSON.stringify([it.groups, it.explorer, it.failures]);
  if (drawn !== shownText) { shownText = drawn; failures(it); curves(it); trials(it); }
  now = it;
}

function news(text) { write(part("news"), text); }

async function ask() {
  try {
    const answer = await fetch("state.json", {cache: "no-store"});
    if (!answer.ok) throw new Error(answer.status);
    const it = await answer.json();
    show(it);
    news(it.problem ? `What is shown is of ${it.seen}: ${it.problem}` : `As of ${it.seen}; this page follows.`);
  } catch {
    news(`caviar watch has ended or does not answer; what is shown is of ${now.seen}.`);
  }
  setTimeout(ask, EVERY);
}

part("by").addEventListener("change", () => { sessionStorage.setItem("by", part("by").value); curves(now); });
show(now);
news(way === "none" ? `As of ${now.seen}; this page is no longer followed.` : `As of ${now.seen}; this page follows.`);
if (way === "fetch") setTimeout(ask, EVERY);
if (way === "reload") {
  const words = part("trial-filter");
  if (words) {
    words.value = sessionStorage.getItem("words") ?? "";
    words.dispatchEvent(new Event("input"));
    words.addEventListener("input", () => sessionStorage.setItem("words", words.value));
  }
  setTimeout(() => location.reload(), 2 * EVERY);
}
