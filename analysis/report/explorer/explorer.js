const DRAWN = new Set(["svg", "path", "circle", "text", "title", "line", "g"]);
function make(tag, attributes = {}, ...inside) {
  const e = DRAWN.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag)
                           : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") e.setAttribute(name, value);
  e.append(...inside);
  return e;
}

const short = value => typeof value === "number" ? String(Number.isInteger(value) ? value : Number(value.toPrecision(4))) : value ?? "";
const known = ([x, y]) => x.map((at, i) => [at, y[i]]).filter(([, value]) => value !== null);
const last = curve => { const points = known(curve); return points.length ? points[points.length - 1][1] : ""; };
const TRAIN = {key: 3, name: "train-mode loss", colour: "var(--c1)", dashes: ""};
const VALIDATION = {key: 4, name: "validation loss", colour: "currentColor", dashes: "5 2"};

function scaled(values, from, to) {
  let low = Math.min(...values), high = Math.max(...values);
  const log = low > 0 && high / low > 20;
  if (low === high) [low, high] = log || low > 0 ? [low / 2, high * 2] : [low - 1, high + 1];
  const at = log ? Math.log : value => value, width = at(high) - at(low);
  return {log, low, high, place: value => from + (at(value) - at(low)) / width * (to - from)};
}

function ticks({low, high, log}) {
  const some = [];
  if (log) {
    for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++)
      for (const digit of [1, 3]) some.push(digit * 10 ** p);
  } else {
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find(n => n * power >= rough) ?? 10);
    for (let n = Math.ceil(low / step); n * step <= high; n++) some.push(n * step);
  }
  return some.filter(value => value >= low * 0.999 && value <= high * 1.001);
}

/* One panel of curves against the update; a curve is {name, colour, dashes, points: [x, y]}. */
function panel(title, curves) {
  const shown = curves.map(c => ({...c, points: known(c.points)})).filter(c => c.points.length);
  const svg = make("svg", {class: "panel", viewBox: "0 0 340 210", role: "img",
    "aria-label": `${title}, nats, by update: ${shown.map(c => `${c.name} ${short(c.points.at(-1)[1])} at the last`).join("; ") || "nothing measured yet"}`});
  svg.append(make("text", {x: 40, y: 12}, title));
  if (!shown.length) {
    svg.append(make("text", {x: 40, y: 110}, "nothing measured yet"));
    return svg;
  }
  const x = scaled([0, ...shown.flatMap(c => c.points.map(p => p[0]))], 40, 334);
  const y = scaled(shown.flatMap(c => c.points.map(p => p[1])), 166, 28);
  for (const value of ticks(y)) {
    const up = y.place(value);
    svg.append(make("path", {d: `M40 ${up}H334`, stroke: "var(--grid)", "stroke-width": .8}),
               make("text", {x: 36, y: up + 3, "text-anchor": "end"}, short(value)));
  }
  for (const value of ticks({...x, log: false})) {
    svg.append(make("text", {x: x.place(value), y: 186, "text-anchor": "middle"}, value));
  }
  svg.append(make("path", {d: "M40 22V172H334", stroke: "currentColor", fill: "none", "stroke-width": .8}),
             make("text", {x: 187, y: 202, "text-anchor": "middle"}, "update"));
  for (const curve of shown) {
    const places = curve.points.map(([a, b]) => `${x.place(a).toFixed(1)} ${y.place(b).toFixed(1)}`);
    const [a, b] = curve.points.at(-1);
    const mark = make("g", {"data-s": curve.name}, make("title", {}, `${curve.name}: ${short(b)} nats at update ${a}`));
    if (places.length > 1) mark.append(make("path", {d: `M${places.join("L")}`, fill: "none", stroke: curve.colour, "stroke-width": 1.6, "stroke-dasharray": curve.dashes}));
    mark.append(make("circle", {cx: x.place(a).toFixed(1), cy: y.place(b).toFixed(1), r: 2.6, fill: curve.colour}));
    svg.append(mark);
  }
  return svg;
}

function sparkline(trial) {
  const both = [TRAIN, VALIDATION].map(kind => ({...kind, points: known(trial[kind.key])})).filter(c => c.points.length);
  const words = both.map(c => `${c.name} from ${short(c.points[0][1])} to ${short(c.points.at(-1)[1])}`).join(", ");
  const svg = make("svg", {class: "spark", viewBox: "0 0 90 20", width: 90, height: 20, role: "img", "aria-label": words || "nothing measured yet"});
  if (!both.length) return svg;
  const x = scaled([0, ...both.flatMap(c => c.points.map(p => p[0]))], 2, 86);
  const y = scaled(both.flatMap(c => c.points.map(p => p[1])), 17, 3);
  for (const {points, colour, dashes} of both) {
    const places = points.map(([a, b]) => `${x.place(a).toFixed(1)} ${y.place(b).toFixed(1)}`);
    svg.append(places.length > 1
      ? make("path", {d: `M${places.join("L")}`, fill: "none", stroke: colour, "stroke-dasharray": dashes && "2 1.5", "stroke-width": 1.2})
      : make("circle", {cx: places[0].split(" ")[0], cy: places[0].split(" ")[1], r: 2.4, fill: colour}));
  }
  return svg;
}

function key(curves) {
  return make("ul", {class: "legend"}, ...curves.map(({name, colour, dashes}) => make("li", {},
    make("svg", {viewBox: "0 0 28 10", "aria-hidden": "true"}, make("path", {d: "M0 5h28", stroke: colour, "stroke-width": 1.6, "stroke-dasharray": dashes})), name)));
}

/* Whether a trial, as {column: value}, is what the words ask for: norm=batch, learning_rate<0.1, diverged. */
function matches(named, words) {
  return words.trim().split(/\s+/).filter(Boolean).every(word => {
    const [, name, sign, value] = word.match(/^(\w+)(<=|>=|=|<|>)(.*)$/) ?? [];
    if (name === undefined || !(name in named)) return Object.values(named).some(v => String(v).includes(word));
    const it = named[name], number = Number(value);
    if (sign === "=") return String(it) === value || (value !== "" && typeof it === "number" && it === number);
    if (it === "" || value === "" || isNaN(number)) return false;
    return {"<": it < number, ">": it > number, "<=": it <= number, ">=": it >= number}[sign];
  });
}

/* A table of trials in `host`; gives a function that shows other data in it. */
function explorer(host, data) {
  let by = -1, up = true, open = "";
  const words = make("input", {type: "search", id: "trial-filter", autocomplete: "off", spellcheck: "false"});
  const count = make("p", {class: "soft", role: "status"});
  const table = make("table", {class: "trials"}, make("caption", {}, "Trials: loss in nats at the last update measured, a median over seeds; the curve is drawn from the first update to the last."));
  const heads = make("tr"), body = make("tbody");
  table.append(make("thead", {}, heads), body);
  host.append(make("p", {}, make("label", {for: "trial-filter"}, "Show only "), words,
      make("span", {class: "soft"}, " words or conditions with spaces between: diverged norm_batch_size=8 learning_rate<0.1")),
    count, key([TRAIN, VALIDATION]), make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Trials"}, table));

  const columns = () => ["trial_id", "status", ...data.fields, "train_loss", "validation_loss"];
  const values = trial => [trial[0], trial[1], ...trial[2], last(trial[3]), last(trial[4])];
  const named = trial => Object.fromEntries(columns().map((name, i) => [name, values(trial)[i]]));

  function head(name, i) {
    const button = make("button", {type: "button"}, name);
    button.addEventListener("click", () => { up = by === i ? !up : true; by = i; draw(); });
    const sorted = by === i ? {"aria-sort": up ? "ascending" : "descending"} : {};
    const text = i < 2 || data.trials.some(trial => typeof values(trial)[i] === "string" && values(trial)[i] !== "");
    return make("th", {scope: "col", ...(text ? {class: "t"} : {}), ...sorted}, button);
  }

  function detail(trial) {
    const config = {...data.fixed, ...named(trial)};
    const list = make("dl");
    for (const [name, value] of Object.entries(config)) if (value !== "") list.append(make("dt", {}, name), make("dd", {}, short(value)));
    const where = JSON.stringify(data.where), which = JSON.stringify(`trial_id == '${trial[0]}'`);
    const code = `import caviar\n\nrun = caviar.read_run(${where})\nrun.curves.query(${which})`;
    const both = make("div", {class: "panels n2"}, ...[TRAIN, VALIDATION].map(kind => panel(kind.name, [{...kind, points: trial[kind.key]}])));
    return make("tr", {class: "detail"}, make("td", {colspan: columns().length + 1}, make("div", {class: "inside"}, both,
      make("pre", {tabindex: "0"}, code), make("details", {}, make("summary", {}, "Every setting"), list))));
  }

  function row(trial) {
    const button = make("button", {type: "button", "aria-expanded": String(open === trial[0]), "data-trial": trial[0]}, trial[0].split("+")[0]);
    button.addEventListener("click", () => { open = open === trial[0] ? "" : trial[0]; draw(); });
    const cells = values(trial).slice(1).map(v => make("td", typeof v === "number" ? {} : {class: "t"}, short(v)));
    return make("tr", {}, make("td", {class: "t"}, button), make("td", {}, sparkline(trial)), ...cells);
  }

  function draw() {
    const at = document.activeElement?.dataset?.trial, sorter = heads.contains(document.activeElement) ? by : -1;
    const [id, ...others] = columns().map(head);
    heads.replaceChildren(id, make("th", {scope: "col"}, "curves"), ...others);
    const shown = data.trials.filter(trial => matches(named(trial), words.value));
    if (by >= 0) {
      const compare = (a, b) => a === b ? 0 : a === "" ? 1 : b === "" ? -1
        : typeof a === "number" && typeof b === "number" ? (up ? a - b : b - a)
        : (up ? 1 : -1) * (String(a) < String(b) ? -1 : 1);
      shown.sort((a, b) => compare(values(a)[by], values(b)[by]));
    }
    body.replaceChildren(...shown.flatMap(trial => open === trial[0] ? [row(trial), detail(trial)] : [row(trial)]));
    const first = data.trials.length < data.total ? `The first ${data.trials.length} of ${data.total} are here; caviar.read_run(${JSON.stringify(data.where)}).trials has all. ` : "";
    count.textContent = `${first}${shown.length} of ${data.trials.length} trials shown.`;
    if (at) body.querySelector(`[data-trial="${CSS.escape(at)}"]`)?.focus();
    if (sorter >= 0) heads.querySelectorAll("button")[sorter].focus();
  }

  words.addEventListener("input", draw);
  draw();
  return next => { data = next; draw(); };
}
