// A list that the broker sorts, filters and cuts into pages; and doing something with what is in it.

import { again, go, say } from "./app.js";
import { get, query } from "./api.js";
import { act, field, h, number, table } from "./dom.js";

const PAGE_SIZE = 50;

// The tags of those who may see what only operators may.
export const MONITORS = ["monitoring", "administrator"];

// Does something, and says what has become of it. `sentence` is a text, or makes one of what was answered.
export async function done(promise, sentence, takeBack = null) {
  try {
    const found = await promise;
    await again(typeof sentence === "function" ? sentence(found) : sentence, takeBack ? takeBack(found) : null);
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

// Does away with what a page is of, and leaves the page.
export async function gone(promise, hash, sentence) {
  try {
    await promise;
    window.addEventListener("hashchange", () => say(sentence), { once: true });
    location.hash = hash;
  } catch (error) {
    say(error.message);
  }
}

// A field to search with; `ask` is called with what somebody has typed there. The rest stands after it.
export function searchBar({ label, value, size, placeholder, ask }, ...rest) {
  const search = h("input", { id: "search", type: "search", value: value || "", size, placeholder });
  search.addEventListener("change", () => ask(search.value));
  return h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); ask(search.value); } },
    field(label, search), h("button", {}, "Search"), ...rest);
}

// Where one is in a list that the broker has cut into pages.
export function pager(found) {
  const page = found.page || 1;
  const pages = Math.max(1, found.page_count);
  return [h("span", { class: "space" }),
    h("button", { type: "button", disabled: page <= 1, onclick: () => go({ page: page - 1 }) }, "Previous"),
    h("span", {}, `page ${number(page)} of ${number(pages)}`),
    h("button", { type: "button", disabled: page >= pages, onclick: () => go({ page: page + 1 }) }, "Next")];
}

export function listPage({ label, path, columns, tag, more = () => [], sort = "name", fixed = {}, filters = [], lead = () => [], placeholder = "", view = "" }) {
  return {
    label,
    tag,
    view,
    load: ({ query: wanted }) => get(`${path}?${query({
      ...fixed, page: wanted.page || 1, page_size: PAGE_SIZE, sort: wanted.sort || sort, sort_reverse: wanted.reverse, name: wanted.name,
      only: wanted.only,
    })}`),
    draw(found, { query: wanted }) {
      const left = columnsOf(columns, wanted);
      if (wanted.focus) queueMicrotask(() => document.querySelector("#search").focus());
      return [
        h("h1", {}, `${label} (${number(found.total_count)})`),
        ...lead(found),
        searchBar({ label: "Part of the name", value: wanted.name, size: 28, placeholder, ask: (name) => go({ name, page: "", focus: "" }) },
          ...filters.map((each) => filter(each, wanted)), pager(found), act("Copy as CSV", () => copied(left, found.items)), columnChoice(columns, wanted)),
        table({ caption: `${number(found.filtered_count)} match`, columns: left, rows: found.items, sort: wanted.sort || sort,
          reverse: wanted.reverse === "true", onsort: (column, reverse) => go({ sort: column, reverse: reverse && "true", page: "" }) }),
        ...more(found),
      ];
    },
  };
}

// The address names the columns that are left out, so that what somebody sees can be shared.
const without = (wanted) => (wanted.without || "").split(",").filter(Boolean);
const columnsOf = (columns, wanted) => columns.filter((column, at) => at === 0 || !without(wanted).includes(column.label));

function columnChoice(columns, wanted) {
  const left = without(wanted);
  const box = ({ label }) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: !left.includes(label), onchange: (event) => go({
    without: (event.target.checked ? left.filter((each) => each !== label) : [...left, label]).join(","), columns: "open" }) }), label);
  return h("details", { class: "choice", open: wanted.columns === "open" }, h("summary", {}, "Columns"), columns.slice(1).map(box));
}

function filter({ name, label }, wanted) {
  const chosen = (wanted.only || "").split(",").filter(Boolean);
  const isOn = chosen.includes(name);
  const next = isOn ? chosen.filter((each) => each !== name) : [...chosen, name];
  return h("button", { type: "button", "aria-pressed": String(isOn), onclick: () => go({ only: next.join(","), page: "" }) }, label);
}

async function copied(columns, rows) {
  const cell = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
  const value = (row, column) => (column.key ? row[column.key] : column.show(row));
  const text = (shown) => (shown instanceof Node ? shown.textContent : shown);
  const lines = [columns.map((column) => column.label), ...rows.map((row) => columns.map((column) => text(value(row, column))))];
  await navigator.clipboard.writeText(lines.map((line) => line.map(cell).join(",")).join("\n"));
  say(`${rows.length} rows were copied`);
}
