// Elements, tables, charts, dialogs. Everything that clients have named is put in as text, never as markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const number = (value) => (typeof value === "number" ? value.toLocaleString("en") : "");
export const rate = (value) => `${number(Math.round((value || 0) * 10) / 10)}/s`;
export const yes = (value) => (value ? "yes" : "");
export const when = (value) => (value ? new Date(value).toLocaleString() : "");

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(Math.round(value * 10) / 10)} ${units[unit]}`;
}

export function span(seconds) {
  if (typeof seconds !== "number") return "";
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = Math.max(0, parts.findIndex(([, size]) => seconds >= size));
  const [unit, size] = seconds < 1 ? ["s", 1] : parts[at];
  return `${number(Math.floor(seconds / size))} ${unit}`;
}

export const link = (text, ...names) => h("a", { href: `#/${names.map(encodeURIComponent).join("/")}` }, text || "(default)");

export function act(label, handler, kind = "") {
  return h("button", { type: "button", class: kind || null, onclick: handler }, label);
}

export function field(label, control) {
  return h("label", {}, label, control);
}

export const input = (name, more = {}) => h("input", { name, ...more });
export const choice = (name, values, chosen) => h("select", { name },
  values.map((each) => h("option", { value: each, selected: each === chosen }, each)));

export const figures = (pairs) => h("dl", { class: "figures" },
  pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

// A form, folded until somebody wants it.
export function form(title, fields, submit, { verb = "Declare", isOpen = false, inline = true } = {}) {
  return h("details", { class: "panel", open: isOpen }, h("summary", {}, title),
    h("form", { class: inline ? "bar" : null, onsubmit: (event) => {
      event.preventDefault();
      submit(Object.fromEntries(new FormData(event.target)), event.target);
    } }, fields, h("button", { class: "first" }, verb)));
}

// columns: {label, key, number, sort, show(row)}; `sort` is what the server sorts by.
export function table({ caption, columns, rows, sort, reverse, onsort, empty = "Nothing here." }) {
  const head = columns.map((column) => {
    const isSorted = column.sort && column.sort === sort;
    const label = column.sort && onsort
      ? h("button", { type: "button", onclick: () => onsort(column.sort, isSorted ? !reverse : Boolean(column.number)) },
          column.label, isSorted ? (reverse ? " ▼" : " ▲") : "")
      : column.label;
    return h("th", { scope: "col", class: column.number ? "number" : null,
      "aria-sort": isSorted ? (reverse ? "descending" : "ascending") : null }, label);
  });
  const body = rows.map((row) => h("tr", { tabindex: "-1" }, columns.map((column, at) => {
    const shown = column.show ? column.show(row) : row[column.key];
    const cell = typeof shown === "number" ? number(shown) : shown === undefined || shown === null ? "" : shown;
    const attributes = { class: column.number ? "number" : null };
    return at === 0 ? h("th", { ...attributes, scope: "row" }, cell) : h("td", attributes, cell);
  })));
  if (!rows.length) body.push(h("tr", {}, h("td", { colspan: columns.length, class: "faint" }, empty)));
  return h("div", { class: "scroll" }, h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, body)));
}

// --- charts ---------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

export function ratesOf(history, names) {
  return history.slice(1).map((sample, at) => {
    const before = history[at];
    const sum = (numbers) => names.reduce((total, name) => total + (numbers[name] || 0), 0);
    return [sample.at, ((sum(sample.numbers) - sum(before.numbers)) * 1000) / Math.max(1, sample.at - before.at)];
  });
}

export const levels = (history, name) => history.map((sample) => [sample.at, sample.numbers[name] || 0]);

function drawn(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// The least round number that is not smaller: 1, 2 or 5 and zeros, of octets in their units.
function rounded(most, isOctets) {
  const unit = isOctets ? 1024 ** Math.floor(Math.log(most) / Math.log(1024)) : 1;
  const ten = 10 ** Math.floor(Math.log10(most / unit));
  return unit * [1, 2, 5, 10].map((times) => times * ten).find((each) => each >= most / unit);
}

// series: [{label, points: [[milliseconds, value]]}], two at most: they differ in colour and in their dashes.
export function chart(title, series, unit = number) {
  const all = series.flatMap((each) => each.points);
  const most = rounded(Math.max(1, ...all.map((point) => point[1])), unit(2048).includes("KiB"));
  const from = Math.min(...all.map((point) => point[0]));
  const to = Math.max(from + 1, ...all.map((point) => point[0]));
  const ago = span(Math.round((to - from) / 1000));
  const svg = drawn("svg", { class: "chart", viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img",
    "aria-label": `${title} in the last ${ago}: ${series.map((each) => `${each.label} ${unit(last(each))}`).join(", ")}` });
  svg.append(drawn("path", { class: "axis", d: "M0 39.5H100M0 20H100M0 .5H100" }));
  series.forEach((each, at) => {
    const place = ([time, value]) => `${((time - from) / (to - from)) * 100},${39.5 - (value / most) * 39}`;
    svg.append(drawn("polyline", { class: `line-${at + 1}`, points: each.points.map(place).join(" ") }));
  });
  const keys = series.map((each, at) => h("span", { class: `key-${at + 1}` }, h("i", { "aria-hidden": "true" }), `${each.label} ${unit(last(each))}`));
  return h("figure", {}, h("figcaption", {}, h("b", {}, title), keys),
    h("div", { class: "plot" }, svg, h("span", { class: "top", "aria-hidden": "true" }, unit(most)),
      h("span", { class: "low", "aria-hidden": "true" }, `${ago} ago`), h("span", { class: "now", "aria-hidden": "true" }, "now")));
}

const last = (series) => (series.points.length ? series.points[series.points.length - 1][1] : 0);

// --- dialogs --------------------------------------------------------------------------------------------------------

// Asks before something is lost; with `name`, whoever confirms has to type it. With `ask`, resolves to what was typed
// there; else to whether it is to be done.
export function confirmed(sentence, { name = "", verb = "Delete", ask = "" } = {}) {
  return new Promise((resolve) => {
    const typed = h("input", { "aria-label": `Type ${name} to confirm`, autocomplete: "off" });
    const asked = h("input", { autocomplete: "off", name: "asked" });
    const doIt = h("button", { class: "bad", value: "yes", disabled: Boolean(name) }, verb);
    typed.addEventListener("input", () => { doIt.disabled = typed.value !== name; });
    const dialog = h("dialog", { "aria-label": verb },
      h("form", { method: "dialog" }, h("p", {}, sentence),
        name ? field(`Type “${name}” to confirm`, typed) : null,
        ask ? field(ask, asked) : null,
        h("p", { class: "bar" }, doIt, h("button", { value: "no", formnovalidate: true }, "Cancel"))));
    dialog.addEventListener("close", () => {
      const isConfirmed = dialog.returnValue === "yes" && (!name || typed.value === name);
      resolve(ask ? (isConfirmed ? { text: asked.value } : null) : isConfirmed);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
