// What happens: events and the log, as they come; and the pair.

import { go, say, user } from "./app.js";
import { below, call, get, query } from "./api.js";
import { act, bytes, confirmed, choice, field, figures, form, h, input, number, table, when } from "./dom.js";
import { MONITORS, done } from "./listing.js";
import { payload } from "./payload.js";

const SHOWN_MAX = 500;

// A page of lines that grows at its top while it is open.
function following({ label, tag, topic, columns, isWanted, filters, lead = () => [], more = async () => null }) {
  const page = { lines: [], wanted: {}, isPaused: false, holder: h("div", {}), status: h("span", { class: "faint", role: "status" }) };
  const draw = () => page.holder.replaceChildren(table({ caption: `The newest first, ${number(SHOWN_MAX)} at most`, rows: page.lines, columns, empty: "Nothing yet." }));
  const told = { open: () => "following", error: () => "not connected", missed: (event) => `${JSON.parse(event.data).count} were missed` };
  return {
    label,
    tag,
    topic,
    isStill: true,
    receive(event) {
      if (event.type in told) {
        page.status.textContent = told[event.type](event);
        return;
      }
      const line = JSON.parse(event.data);
      if (!isWanted(line, page.wanted)) return;
      page.lines = [line, ...page.lines].slice(0, SHOWN_MAX);
      if (!page.isPaused) draw();
    },
    load: async ({ query: wanted }) => {
      const [found, rest] = await Promise.all([get(`mqbroker/${topic}?${query({ count: 200, text: wanted.text, level: wanted.level })}`), more()]);
      return { found, rest };
    },
    draw({ found, rest }, { query: wanted }) {
      page.lines = [...found].reverse();
      page.wanted = wanted;
      page.isPaused = false;
      draw();
      const pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => {
        page.isPaused = !page.isPaused;
        pause.setAttribute("aria-pressed", String(page.isPaused));
        if (!page.isPaused) draw();
      } }, "Pause");
      const search = h("input", { id: "search", type: "search", value: wanted.text || "", size: 30, placeholder: "a client, a queue, a word" });
      search.addEventListener("change", () => go({ text: search.value }));
      return [h("h1", {}, label), ...lead(rest), h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); go({ text: search.value }); } },
        field("Only with the text", search), ...filters(wanted), h("button", {}, "Filter"), pause, page.status), page.holder];
    },
  };
}

const has = (line, text) => !text || JSON.stringify(line).toLowerCase().includes(text.toLowerCase());
const LEVELS = ["debug", "info", "warning", "error", "critical"];

export const logPage = following({
  label: "Log",
  tag: ["administrator"],
  topic: "log",
  isWanted: (line, wanted) => has(line, wanted.text) && LEVELS.indexOf(line.level) >= LEVELS.indexOf(wanted.level || "debug"),
  filters: (wanted) => {
    const level = choice("level", LEVELS, wanted.level || "debug");
    level.addEventListener("change", () => go({ level: level.value === "debug" ? "" : level.value }));
    return [field("From the level", level)];
  },
  columns: [
    { label: "At", show: (row) => when(row.at) },
    { label: "Level", show: (row) => h("span", { class: `level ${row.level}` }, row.level) },
    { label: "Category", key: "category" },
    { label: "What", show: (row) => h("span", { class: "words" }, row.text) },
  ],
});

export const eventsPage = following({
  label: "Events",
  tag: MONITORS,
  topic: "events",
  isWanted: (line, wanted) => has(line, wanted.text),
  filters: () => [],
  columns: [
    { label: "Number", number: true, key: "number" },
    { label: "Event", key: "name" },
    { label: "Of what", show: (row) => h("span", { class: "words" }, Object.entries(row.fields)
      .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join("   ")) },
  ],
});

// Messages followed through a vhost: what is published, where it goes, who gets it.
export const tracePage = following({
  label: "Trace",
  tag: ["administrator"],
  topic: "trace",
  isWanted: (line, wanted) => has(line, wanted.text),
  filters: () => [],
  more: async () => {
    const [running, vhosts] = await Promise.all([get("mqbroker/traces"), get("vhosts")]);
    return { running, vhosts };
  },
  lead: ({ running, vhosts }) => [
    ...running.map((each) => h("p", { class: "bar" }, `Messages of the vhost ${each.vhost} are followed until ${when(each.ends_at)}`,
      each.text ? `, those with “${each.text}”` : "", act("Stop", () => done(call("DELETE", below("mqbroker/traces", each.vhost)), `Messages of ${each.vhost} are not followed any more.`)))),
    form("Follow messages", [field("Vhost", choice("vhost", vhosts.map((each) => each.name), "/")),
      field("Only with the text", input("text", { size: 28, placeholder: "in key, queue, client, id, payload" })),
      field("Minutes", input("minutes", { type: "number", min: 1, max: 60, value: 10 }))],
    ({ vhost, text: wanted, minutes }) => done(call("POST", below("mqbroker/traces", vhost), { text: wanted, seconds: 60 * Number(minutes) }),
      `Messages of ${vhost} are followed.`), { verb: "Follow", isOpen: !running.length }),
    h("p", { class: "faint" }, "It shows payloads and slows the vhost down; it is in the audit, and ends by itself."),
  ],
  columns: [
    { label: "At", show: (row) => when(row.at) },
    { label: "What", show: (row) => (row.count ? `${number(row.count)} were left out` : row.what) },
    { label: "Exchange, key", show: (row) => (row.count ? "" : `${row.exchange || "(default)"} ${row.routing_key}`) },
    { label: "Queues", key: "queues" },
    { label: "Client", show: (row) => [row.user, row.connection].filter(Boolean).join(", ") },
    { label: "Id", key: "message_id" },
    { label: "Payload", show: (row) => (row.count ? "" : payload(row, "auto")) },
  ],
});

export const auditPage = {
  label: "Audit",
  tag: ["administrator"],
  isStill: true,
  load: ({ query: wanted }) => get(`mqbroker/audit?${query({ count: 200, user: wanted.user, event: wanted.event, object: wanted.object })}`),
  draw(found, { query: wanted }) {
    const ask = (label, name) => {
      const typed = h("input", { type: "search", name, value: wanted[name] || "", id: name === "object" ? "search" : null });
      typed.addEventListener("change", () => go({ [name]: typed.value }));
      return field(label, typed);
    };
    return [h("h1", {}, "Audit"),
      h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); go(Object.fromEntries(new FormData(event.target))); } },
        ask("Object", "object"), ask("User", "user"), ask("Event", "event"), h("button", {}, "Filter")),
      table({ caption: "The newest first, 200 at most", rows: found, empty: "Nothing is recorded; audit.enabled says whether anything is.", columns: [
        { label: "At", show: (row) => when(row.eventTime) },
        { label: "User", show: (row) => row.userIdentity?.userName || row.userIdentity?.type || "" },
        { label: "Event", key: "eventName" },
        { label: "From", key: "sourceIPAddress" },
        { label: "With", show: (row) => h("span", { class: "words" }, row.requestParameters ? JSON.stringify(row.requestParameters) : "") },
        { label: "Refused", show: (row) => (row.errorCode ? `${row.errorCode}: ${row.errorMessage || ""}` : "") }] })];
  },
};

async function switchOver(pair) {
  if (!(await confirmed(`Stop ${pair.node}, so that a standby takes over? Clients connect again, to the other node.`, { name: pair.node, verb: "Switch over" }))) return;
  try {
    say((await call("POST", "mqbroker/pair/switchover")).done);
  } catch (error) {
    say(error.message);
  }
}

export const pairPage = {
  label: "Pair",
  tag: MONITORS,
  load: async () => {
    const [pair, nodes] = await Promise.all([get("mqbroker/pair"), get("nodes")]);
    return { pair, node: nodes[0] };
  },
  draw: ({ pair, node }) => [
    h("h1", {}, pair.node ? `Pair ${pair.pair}` : "Node"),
    pair.node ? figures([["This node", pair.node], ["It is", pair.role], ["Epoch", number(pair.epoch)], ["Leader", pair.leader || "nobody"],
      ["Last batch", number(pair.lsn)], ["Confirmed up to", number(pair.committed)], ["In sync", (pair.isr || []).join(", ") || "nobody"]]) : null,
    pair.node && pair.lag ? table({ caption: "Standbys", rows: Object.entries(pair.lag), empty: "No standby is connected.", columns: [
      { label: "Node", show: (row) => row[0] }, { label: "Batches behind", number: true, show: (row) => row[1] }] }) : null,
    pair.node && user()?.tags.includes("administrator") ? h("p", { class: "bar" }, act("Switch over", () => switchOver(pair), "bad")) : null,
    pair.node ? h("p", { class: "faint" }, "When this node is lost, a standby takes over by itself; mqbroker ha promote makes one active that does not.")
      : h("p", {}, "This node is alone: there is no standby that could take over."),
    h("h2", {}, `Node ${node.name}`),
    figures([["Memory", bytes(node.mem_used)], ["Limit", bytes(node.mem_limit)], ["Free on disk", bytes(node.disk_free)],
      ["Open files", `${number(node.fd_used)} of ${number(node.fd_total)}`], ["Connections", number(node.sockets_used)],
      ["Processors", number(node.processors)], ["Process", node.os_pid]]),
    h("p", { class: "faint" }, `Data in ${node.db_dir}`),
  ].filter(Boolean),
};
