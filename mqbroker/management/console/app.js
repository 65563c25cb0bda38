// The shell of the console: log-in, pages, themes, keys, and when a page is drawn anew. What pages show is theirs.

import { Refused, call, get } from "./api.js";
import { field, h } from "./dom.js";
import { GROUPS, PAGES } from "./pages.js";

const main = document.querySelector("#main");
const said = document.querySelector("#said");
const undo = document.querySelector("#undo");
const REFRESHES = { live: "live", 10: "every 10 s", 60: "every minute", paused: "paused" };
const state = { user: null, views: [], shown: 0, updatedAt: 0, stream: null, topic: undefined, timer: 0 };

// Says what has become of something; `takeBack` does the opposite, as long as nothing else is said.
export function say(sentence, takeBack = null) {
  said.textContent = sentence;
  undo.replaceChildren(...(takeBack ? [h("button", { type: "button", onclick: () => {
    undo.replaceChildren();
    takeBack();
  } }, "Undo")] : []));
}

export const user = () => state.user;

function place() {
  const [path, search = ""] = location.hash.replace(/^#/, "").split("?");
  const segments = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { name: segments[0] || "overview", names: segments.slice(1), query: Object.fromEntries(new URLSearchParams(search)) };
}

// Pages change what the address says; the address is what is shown, and can be shared.
export function go(changes) {
  const [path, search = ""] = location.hash.replace(/^#/, "").split("?");
  const values = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined || value === false) values.delete(name);
    else values.set(name, value);
  }
  const text = values.toString();
  location.hash = `${path || "/"}${text ? `?${text}` : ""}`;
}

// --- the frame ------------------------------------------------------------------------------------------------------

function theme(chosen) {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
}

function choices(label, values, chosen, onchange) {
  return h("select", { "aria-label": label, onchange: (event) => onchange(event.target.value) },
    Object.entries(values).map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

const refreshChosen = () => (localStorage.getItem("refresh") in REFRESHES ? localStorage.getItem("refresh") : "live");

function tools() {
  const chosen = localStorage.getItem("theme") || "system";
  theme(chosen);
  const themes = choices("Theme", { system: "system theme", light: "light", dark: "dark" }, chosen, theme);
  if (!state.user) {
    document.querySelector("#tools").replaceChildren(themes);
    return;
  }
  const refreshes = choices("Refresh", REFRESHES, refreshChosen(), (value) => {
    localStorage.setItem("refresh", value);
    follow();
  });
  const help = h("button", { type: "button", "aria-label": "Keys", title: "Keys", onclick: showKeys }, "?");
  const out = h("button", { type: "button", onclick: async () => {
    await call("DELETE", "login");
    state.user = null;
    start();
  } }, "Log out");
  document.querySelector("#tools").replaceChildren(refreshes, themes, help,
    h("span", { class: "faint" }, state.user.name || "owner"), out);
}

const mayOpen = (page) => (!page.tag || page.tag.some((tag) => state.user.tags.includes(tag))) && (!page.view || state.views.includes(page.view));

function navigation() {
  const here = place().name;
  const current = PAGES[here]?.part || here;
  const links = (names) => names.filter((name) => mayOpen(PAGES[name]))
    .map((name) => h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, PAGES[name].label));
  document.querySelector("#nav").replaceChildren(...(state.user ? Object.entries(GROUPS) : [])
    .map(([label, names]) => [label, links(names)]).filter(([, found]) => found.length)
    .map(([label, found]) => h("div", { class: "group" }, h("span", { class: "faint" }, label), found)));
}

// --- pages ----------------------------------------------------------------------------------------------------------

const heading = (page, at) => (page.title ? page.title(at) : page.label);

// What somebody is at stays as it is: fields that they type into or have filled, text that they have marked.
function isBusy() {
  const focused = document.activeElement;
  if (focused && main.contains(focused) && /^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName)) return true;
  const marked = getSelection();
  if (marked && !marked.isCollapsed && main.contains(marked.anchorNode)) return true;
  return Boolean(main.querySelector("form[data-touched]") || document.querySelector("dialog[open]"));
}

async function show(isFresh) {
  const turn = ++state.shown;
  const at = place();
  const page = PAGES[at.name] || PAGES.overview;
  try {
    const found = await page.load(at);
    if (turn !== state.shown) return;
    if (isFresh || !isBusy()) draw(page, found, at, isFresh);
    state.updatedAt = Date.now();
    tellAge();
  } catch (error) {
    if (turn !== state.shown) return;
    if (error instanceof Refused && error.status === 401 && !(await isLoggedIn())) {
      state.user = null;
      start();
      return;
    }
    if (!(error instanceof Refused) && !isFresh) {
      document.querySelector("#alarms").textContent = "The broker does not answer.";
      return;
    }
    main.replaceChildren(h("h1", {}, heading(page, at)), h("p", { class: "error", role: "alert" }, error.message));
  }
}

function draw(page, found, at, isFresh) {
  const row = isFresh ? -1 : rows().indexOf(document.activeElement);
  const [left, top] = [scrollX, scrollY];
  const unfolded = isFresh ? [] : folds().map((each) => each.open);
  main.replaceChildren(...page.draw(found, at, state.user));
  folds().forEach((each, index) => { if (index in unfolded) each.open = unfolded[index]; });
  document.title = `${heading(page, at)} – mqbroker`;
  if (isFresh) main.focus({ preventScroll: true });
  else if (row >= 0) rows()[row]?.focus({ preventScroll: true });
  if (!isFresh) scrollTo(left, top);
}

function tellAge() {
  const seconds = Math.round((Date.now() - state.updatedAt) / 1000);
  document.querySelector("#updated").textContent = state.user && state.updatedAt
    ? `Updated ${seconds < 2 ? "just now" : `${seconds} s ago`}${refreshChosen() === "paused" ? ", paused" : ""}` : "";
}
setInterval(tellAge, 1000);

async function isLoggedIn() {
  try {
    await get("whoami");
    return true;
  } catch {
    return false;
  }
}

async function alarms() {
  try {
    const found = await get("health/checks/alarms");
    document.querySelector("#alarms").textContent = found.status === "ok" ? ""
      : `Publishers are held back: ${found.alarms.map((alarm) => `${alarm.resource} is low`).join(", ")}.`;
  } catch (error) {
    document.querySelector("#alarms").textContent = error instanceof Refused ? "" : "The broker does not answer.";
  }
}

// Draws the page once more now: something was changed.
export async function again(sentence = "", takeBack = null) {
  await show(true);
  if (sentence) say(sentence, takeBack);
}

// --- what is new ----------------------------------------------------------------------------------------------------

// The broker says when there are new numbers, so nobody asks before. There is one stream for a page that can be seen,
// and none for others: browsers open six connections to a host, for all pages together.
function follow() {
  state.stream?.close();
  state.stream = null;
  clearInterval(state.timer);
  if (!state.user || document.hidden) return;
  const chosen = refreshChosen();
  const page = PAGES[place().name];
  state.topic = page?.topic;
  const topics = [chosen === "live" ? "samples" : null, page?.topic].filter(Boolean);
  if (topics.length) {
    state.stream = new EventSource(`api/mqbroker/stream?topics=${topics}`);
    state.stream.addEventListener("samples", renew);
    state.stream.addEventListener("error", alarms);
    if (page?.topic) for (const name of [page.topic, "missed", "open", "error"]) state.stream.addEventListener(name, page.receive);
  }
  if (chosen !== "live" && chosen !== "paused") state.timer = setInterval(renew, 1000 * Number(chosen));
  tellAge();
}

document.addEventListener("visibilitychange", () => {
  follow();
  renew();
});

async function renew() {
  if (document.hidden || !state.user) return;
  await Promise.all([PAGES[place().name]?.isStill ? tellAge() : show(false), alarms()]);
}

// --- log-in ---------------------------------------------------------------------------------------------------------

function login(reason) {
  const name = h("input", { name: "username", autocomplete: "username", required: true, autofocus: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password" });
  const error = h("p", { class: "error", role: "alert" }, reason || "");
  const form = h("form", { class: "login panel", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await call("POST", "login", { username: name.value, password: password.value });
      start();
    } catch (refusal) {
      error.textContent = refusal.status === 401 ? "That did not work: wrong user or password, or no tag." : refusal.message;
    }
  } }, h("h1", {}, "Log in"), field("User", name), field("Password", password), error,
    h("button", { class: "first" }, "Log in"));
  main.replaceChildren(form);
  name.focus();
}

async function start() {
  try {
    state.user = await get("whoami");
  } catch (error) {
    state.user = null;
    follow();
    tools();
    navigation();
    login(error instanceof Refused && error.status === 401 ? "" : error.message);
    return;
  }
  state.views = await get("mqbroker/views").catch(() => []);
  tools();
  navigation();
  await Promise.all([show(true), alarms()]);
  follow();
}

// --- keys -----------------------------------------------------------------------------------------------------------

const KEYS = { o: "overview", q: "queues", x: "exchanges", c: "connections", h: "channels", m: "mqtt", r: "retained",
  s: "sqs", t: "sns", p: "policies", u: "users", d: "definitions", l: "log", e: "events", a: "audit" };
let isGoing = false;

const folds = () => [...main.querySelectorAll("details")];
const rows = () => [...main.querySelectorAll("tbody tr[tabindex]")];

function showKeys() {
  const lines = [["/", "search"], ["j, k", "the next row, the one before"], ["Enter", "open the row"], ["Escape", "leave a field, close a dialog"],
    ...Object.entries(KEYS).filter(([, name]) => PAGES[name] && mayOpen(PAGES[name])).map(([key, name]) => [`g ${key}`, PAGES[name].label])];
  const dialog = h("dialog", { "aria-label": "Keys" }, h("h2", {}, "Keys"),
    h("dl", { class: "keys" }, lines.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]).flat()),
    h("form", { method: "dialog" }, h("button", {}, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) event.target.blur();
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey || !state.user) return;
  if (event.key === "/") {
    event.preventDefault();
    const search = document.querySelector("#search");
    if (search) search.focus();
    else location.hash = "/queues?focus=1";
  } else if (isGoing && KEYS[event.key] && PAGES[KEYS[event.key]]) {
    location.hash = `/${KEYS[event.key]}`;
  } else if (event.key === "?") {
    showKeys();
  } else if (event.key === "j" || event.key === "k") {
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "Enter" && event.target.matches("tbody tr")) {
    event.target.querySelector("a")?.click();
  }
  isGoing = event.key === "g";
});

// A form that somebody has begun to fill is not drawn anew under their hands.
main.addEventListener("input", (event) => {
  const form = event.target.closest("form:not([role=search])");
  if (form) form.dataset.touched = "yes";
});

window.addEventListener("hashchange", () => {
  say("");
  navigation();
  show(true);
  if (state.topic !== PAGES[place().name]?.topic) follow();
});

start();
