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

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(Math.round(value * 10) / 10)} ${units[unit]}`;
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
  const body = rows.map((row) => h("tr", {}, columns.map((column, at) => {
    const shown = column.show ? column.show(row) : row[column.key];
    const cell = typeof shown === "number" ? number(shown) : shown === undefined || shown === null ? "" : shown;
    const attributes = { class: column.number ? "number" : null };
    return at === 0 ? h("th", { ...attributes, scope: "row" }, cell) : h("td", attributes, cell);
  })));
  if (!rows.length) body.push(h("tr", {}, h("td", { colspan: columns.length, class: "faint" }, empty)));
  return h("div", { class: "scroll" }, h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, body)));
}

const SVG = "http://www.w3.org/2000/svg";

// series: [{label, points: [[milliseconds, value]]}], two at most: they differ in colour and in their dashes.
export function chart(title, series, unit = number) {
  const all = series.flatMap((each) => each.points);
  const most = Math.max(1, ...all.map((point) => point[1]));
  const from = Math.min(...all.map((point) => point[0]));
  const to = Math.max(from + 1, ...all.map((point) => point[0]));
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "chart", viewBox: "0 0 100 40", preserveAspectRatio: "none",
    role: "img", "aria-label": `${title}, at most ${unit(most)}` })) svg.setAttribute(name, value);
  const axis = document.createElementNS(SVG, "path");
  axis.setAttribute("class", "axis");
  axis.setAttribute("d", "M0 39.5H100M0 20H100M0 .5H100");
  svg.append(axis);
  series.forEach((each, at) => {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("class", `line-${at + 1}`);
    const place = ([time, value]) => `${((time - from) / (to - from)) * 100},${39.5 - (value / most) * 38}`;
    line.setAttribute("points", each.points.map(place).join(" "));
    svg.append(line);
  });
  const keys = series.map((each, at) => {
    const last = each.points.length ? each.points[each.points.length - 1][1] : 0;
    return h("span", { class: `key-${at + 1}` }, `${at ? " - - " : " — "}${each.label} ${unit(last)}`);
  });
  return h("figure", {}, h("figcaption", {}, `${title}, up to ${unit(most)}:`, keys), svg);
}

export function field(label, control) {
  return h("label", {}, label, control);
}

// Asks before something is lost; with `name`, whoever confirms has to type it. Resolves to whether it is to be done.
export function confirmed(sentence, { name = "", verb = "Delete" } = {}) {
  return new Promise((resolve) => {
    const typed = h("input", { "aria-label": `Type ${name} to confirm`, autocomplete: "off" });
    const go = h("button", { class: "bad", value: "yes", disabled: Boolean(name) }, verb);
    typed.addEventListener("input", () => { go.disabled = typed.value !== name; });
    const dialog = h("dialog", { "aria-label": verb },
      h("form", { method: "dialog" }, h("p", {}, sentence),
        name ? field(`Type “${name}” to confirm`, typed) : null,
        h("p", { class: "bar" }, go, h("button", { value: "no", formnovalidate: true }, "Cancel"))));
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" && (!name || typed.value === name));
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
