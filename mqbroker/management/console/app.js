// The shell of the console: log-in, pages, themes, keys, and the refresh. What pages show is in pages.js and queue.js.

import { Refused, call, get } from "./api.js";
import { field, h } from "./dom.js";
import { PAGES } from "./pages.js";

const main = document.querySelector("#main");
const said = document.querySelector("#said");
const state = { user: null, isPaused: false, interval: 5000, timer: 0, shown: 0 };

export function say(sentence) {
  said.textContent = sentence;
}

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
    if (value === "" || value === null || value === false) values.delete(name);
    else values.set(name, value);
  }
  const text = values.toString();
  location.hash = `${path || "/"}${text ? `?${text}` : ""}`;
}

function theme(chosen) {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  localStorage.setItem("theme", chosen);
}

function tools() {
  const chosen = localStorage.getItem("theme") || "system";
  theme(chosen);
  const themes = h("select", { "aria-label": "Theme", onchange: (event) => theme(event.target.value) },
    ["system", "light", "dark"].map((each) => h("option", { value: each, selected: each === chosen }, each)));
  const pause = h("button", { type: "button", "aria-pressed": String(state.isPaused), onclick: () => {
    state.isPaused = !state.isPaused;
    tools();
    if (!state.isPaused) refresh();
  } }, state.isPaused ? "Go on" : "Pause");
  const out = h("button", { type: "button", onclick: async () => {
    await call("DELETE", "login");
    state.user = null;
    start();
  } }, "Log out");
  document.querySelector("#tools").replaceChildren(...(state.user ? [pause] : []), themes,
    ...(state.user ? [h("span", { class: "faint" }, state.user.name), out] : []));
}

function navigation() {
  const here = place().name;
  document.querySelector("#nav").replaceChildren(...(state.user ? Object.entries(PAGES) : [])
    .filter(([, page]) => page.label && (!page.tag || page.tag.some((tag) => state.user.tags.includes(tag))))
    .map(([name, page]) => h("a", { href: `#/${name}`, "aria-current": name === here ? "page" : null }, page.label)));
}

async function show(isFresh) {
  const turn = ++state.shown;
  const at = place();
  const page = PAGES[at.name] || PAGES.overview;
  try {
    const found = await page.load(at);
    if (turn !== state.shown) return;
    const focused = isFresh ? null : document.activeElement;
    const isTyping = focused && main.contains(focused) && /^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName);
    // What somebody is typing into stays; its page is drawn anew when they leave it.
    if (!isTyping && !document.querySelector("dialog[open]")) main.replaceChildren(...page.draw(found, at, state.user));
    document.title = `${page.title ? page.title(at) : page.label} – mqbroker`;
    document.querySelector("#updated").textContent = `Updated ${new Date().toLocaleTimeString()}`;
    if (isFresh) main.focus({ preventScroll: true });
  } catch (error) {
    if (turn !== state.shown) return;
    if (error instanceof Refused && error.status === 401 && !(await isLoggedIn())) {
      state.user = null;
      start();
      return;
    }
    main.replaceChildren(h("h1", {}, page.title ? page.title(at) : page.label),
      h("p", { class: "error", role: "alert" }, error.message));
  }
}

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

function refresh() {
  clearTimeout(state.timer);
  if (!state.user) return;
  state.timer = setTimeout(async () => {
    if (!state.isPaused && !document.hidden) {
      await Promise.all([show(false), alarms()]);
    }
    refresh();
  }, state.interval);
}

// Draws the page once more now: something was changed.
export async function again(sentence = "") {
  if (sentence) say(sentence);
  await show(true);
}

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
    tools();
    navigation();
    login(error instanceof Refused && error.status === 401 ? "" : error.message);
    return;
  }
  tools();
  navigation();
  await Promise.all([show(true), alarms()]);
  refresh();
}

const KEYS = { o: "overview", q: "queues", x: "exchanges", c: "connections", h: "channels", p: "policies", u: "users", d: "definitions" };
let isGoing = false;

document.addEventListener("keydown", (event) => {
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    const search = document.querySelector("#search");
    if (search) search.focus();
    else location.hash = "/queues?focus=1";
  } else if (isGoing && KEYS[event.key]) {
    location.hash = `/${KEYS[event.key]}`;
  } else if (event.key === "?") {
    say("/ search; g then o q x c h p u d: pages; Escape closes");
  }
  isGoing = event.key === "g";
});

window.addEventListener("hashchange", () => {
  say("");
  navigation();
  show(true);
});

start();
