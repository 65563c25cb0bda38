// The pages but that of one queue: each loads what it shows, and draws it. The address says how.

import { again, go, say } from "./app.js";
import { call, get, query, segment } from "./api.js";
import { bytes, chart, confirmed, field, h, number, rate, table } from "./dom.js";
import { queuePage } from "./queue.js";

const PAGE_SIZE = 50;
const link = (text, ...names) => h("a", { href: `#/${names.map(segment).join("/")}` }, text || "(default)");
const yes = (value) => (value ? "yes" : "");

async function done(promise, sentence) {
  try {
    await promise;
    await again(sentence);
  } catch (error) {
    say(error.message);
  }
}

function act(label, handler, kind = "") {
  return h("button", { type: "button", class: kind, onclick: handler }, label);
}

// A list that the server sorts, filters and cuts into pages.
function listPage({ label, path, columns, tag, more = () => [], sort = "name" }) {
  return {
    label,
    tag,
    load: ({ query: wanted }) => get(`${path}?${query({
      page: wanted.page || 1, page_size: PAGE_SIZE, sort: wanted.sort || sort, sort_reverse: wanted.reverse, name: wanted.name,
    })}`),
    draw(found, { query: wanted }) {
      const search = h("input", { id: "search", type: "search", value: wanted.name || "", size: 28 });
      search.addEventListener("change", () => go({ name: search.value, page: "", focus: "" }));
      if (wanted.focus) queueMicrotask(() => search.focus());
      const page = found.page || 1;
      return [
        h("h1", {}, `${label} (${number(found.total_count)})`),
        h("form", { class: "bar", role: "search", onsubmit: (event) => { event.preventDefault(); go({ name: search.value, page: "" }); } },
          field("Part of the name", search), h("button", {}, "Search"),
          act("Previous", () => go({ page: page - 1 })), h("span", {}, `page ${page} of ${Math.max(1, found.page_count)}`),
          act("Next", () => go({ page: Math.min(page + 1, Math.max(1, found.page_count)) })),
          act("Copy as CSV", () => copied(columns, found.items))),
        table({ caption: `${number(found.filtered_count)} match`, columns, rows: found.items, sort: wanted.sort || sort,
          reverse: wanted.reverse === "true", onsort: (column, reverse) => go({ sort: column, reverse: reverse && "true", page: "" }) }),
        ...more(found),
      ];
    },
  };
}

async function copied(columns, rows) {
  const cell = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
  const value = (row, column) => (column.key ? row[column.key] : column.show(row));
  const text = (shown) => (shown instanceof Node ? shown.textContent : shown);
  const lines = [columns.map((column) => column.label), ...rows.map((row) => columns.map((column) => text(value(row, column))))];
  await navigator.clipboard.writeText(lines.map((line) => line.map(cell).join(",")).join("\n"));
  say(`${rows.length} rows were copied`);
}

// --- overview -------------------------------------------------------------------------------------------------------

function rates(history, names) {
  return history.slice(1).map((sample, at) => {
    const before = history[at];
    const sum = (numbers) => names.reduce((total, name) => total + (numbers[name] || 0), 0);
    return [sample.at, ((sum(sample.numbers) - sum(before.numbers)) * 1000) / Math.max(1, sample.at - before.at)];
  });
}

const levels = (history, name) => history.map((sample) => [sample.at, sample.numbers[name] || 0]);

const overview = {
  label: "Overview",
  load: async () => {
    const [found, history] = await Promise.all([get("overview"), get("mqbroker/history").catch(() => [])]);
    return { found, history };
  },
  draw({ found, history }) {
    const totals = found.object_totals;
    const queued = found.queue_totals;
    const stats = found.message_stats;
    const figures = [
      ["Ready", number(queued.messages_ready)], ["Unacknowledged", number(queued.messages_unacknowledged)],
      ["Published", rate(stats.publish_details?.rate)], ["Delivered", rate(stats.deliver_get_details?.rate)],
      ["Connections", number(totals.connections)], ["Channels", number(totals.channels)],
      ["Consumers", number(totals.consumers)], ["Queues", number(totals.queues)], ["Exchanges", number(totals.exchanges)],
    ];
    const charts = history.length > 1 ? h("div", { class: "charts" },
      chart("Messages in a second", [{ label: "published", points: rates(history, ["received"]) },
        { label: "delivered", points: rates(history, ["delivered", "no_ack", "got"]) }], rate),
      chart("Messages in queues", [{ label: "ready", points: levels(history, "ready") },
        { label: "unacknowledged", points: levels(history, "unacked") }]),
      chart("Memory", [{ label: "in use", points: levels(history, "memory_bytes") }], bytes)) : null;
    return [
      h("h1", {}, `Overview of ${found.cluster_name}`),
      h("dl", { class: "figures" }, figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      charts,
      h("p", {}, h("a", { href: "#/queues?sort=messages&reverse=true" }, "Queues by backlog"), " · ",
        h("a", { href: "#/queues?sort=messages_unacknowledged&reverse=true" }, "by unacknowledged messages"), " · ",
        h("a", { href: "#/queues?sort=consumers" }, "without consumers first")),
      found.listeners ? table({ caption: "Listeners", rows: found.listeners, columns: [
        { label: "Protocol", key: "protocol" }, { label: "Address", key: "ip_address" },
        { label: "Port", show: (row) => String(row.port) }, { label: "TLS", show: (row) => yes(row.tls) }] }) : null,
      h("p", { class: "faint" }, `${found.product_name} ${found.product_version}, answers as RabbitMQ ${found.rabbitmq_version}`),
    ].filter(Boolean);
  },
};

// --- lists ----------------------------------------------------------------------------------------------------------

const perSecond = (row, name) => rate(row.message_stats?.[`${name}_details`]?.rate);

function declareForm(kind, fields, submit) {
  return [h("h2", {}, `Declare ${kind}`), h("form", { class: "panel bar", onsubmit: (event) => {
    event.preventDefault();
    submit(Object.fromEntries(new FormData(event.target)));
  } }, fields, h("button", { class: "first" }, "Declare"))];
}

const input = (name, more = {}) => h("input", { name, ...more });
const choice = (name, values) => h("select", { name }, values.map((each) => h("option", { value: each }, each)));
const vhostField = () => field("Vhost", input("vhost", { value: "/", required: true }));

const queues = listPage({
  label: "Queues",
  path: "queues",
  columns: [
    { label: "Name", sort: "name", show: (row) => link(row.name, "queue", row.vhost, row.name) },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Type", sort: "type", key: "type" },
    { label: "Ready", sort: "messages_ready", key: "messages_ready", number: true },
    { label: "Unacked", sort: "messages_unacknowledged", key: "messages_unacknowledged", number: true },
    { label: "Total", sort: "messages", key: "messages", number: true },
    { label: "Consumers", sort: "consumers", key: "consumers", number: true },
    { label: "In", sort: "message_stats.publish_details.rate", number: true, show: (row) => perSecond(row, "publish") },
    { label: "Out", sort: "message_stats.deliver_get_details.rate", number: true, show: (row) => perSecond(row, "deliver_get") },
    { label: "Policy", key: "policy" },
  ],
  more: () => declareForm("a queue", [vhostField(), field("Name", input("name", { required: true })),
    field("Type", choice("kind", ["classic", "quorum"]))], ({ vhost, name, kind }) =>
    done(call("PUT", `queues/${segment(vhost)}/${segment(name)}`, { durable: true, arguments: { "x-queue-type": kind } }),
      `Queue ${name} was declared.`)),
});

const exchanges = listPage({
  label: "Exchanges",
  path: "exchanges",
  columns: [
    { label: "Name", sort: "name", show: (row) => row.name || "(default)" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Type", sort: "type", key: "type" },
    { label: "Durable", show: (row) => yes(row.durable) },
    { label: "Internal", show: (row) => yes(row.internal) },
    { label: "Published", number: true, show: (row) => row.message_stats.publish_in || 0 },
    { label: "Routed", number: true, show: (row) => row.message_stats.publish_out || 0 },
    { label: "Action", show: (row) => (row.name && !row.name.startsWith("amq.") ? act("Delete", async () => {
      if (await confirmed(`Delete the exchange ${row.name} in ${row.vhost}, with its bindings?`)) {
        await done(call("DELETE", `exchanges/${segment(row.vhost)}/${segment(row.name)}`), `Exchange ${row.name} was deleted.`);
      }
    }, "bad") : "") },
  ],
  more: () => declareForm("an exchange", [vhostField(), field("Name", input("name", { required: true })),
    field("Type", choice("kind", ["direct", "fanout", "topic", "headers", "x-consistent-hash"]))], ({ vhost, name, kind }) =>
    done(call("PUT", `exchanges/${segment(vhost)}/${segment(name)}`, { type: kind, durable: true }),
      `Exchange ${name} was declared.`)),
});

const connections = listPage({
  label: "Connections",
  path: "connections",
  columns: [
    { label: "Name", sort: "name", show: (row) => (row.user_provided_name ? `${row.user_provided_name} (${row.name})` : row.name) },
    { label: "User", sort: "user", key: "user" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Protocol", sort: "protocol", key: "protocol" },
    { label: "State", sort: "state", key: "state" },
    { label: "Channels", sort: "channels", key: "channels", number: true },
    { label: "Received", sort: "recv_oct", number: true, show: (row) => bytes(row.recv_oct) },
    { label: "Sent", sort: "send_oct", number: true, show: (row) => bytes(row.send_oct) },
    { label: "Action", show: (row) => act("Close", async () => {
      if (await confirmed(`End the connection ${row.name} of ${row.user}?`, { verb: "End it" })) {
        await done(call("DELETE", `connections/${segment(row.name)}`), `Connection ${row.name} is told to end.`);
      }
    }, "bad") },
  ],
});

const channels = listPage({
  label: "Channels",
  path: "channels",
  columns: [
    { label: "Name", sort: "name", key: "name" },
    { label: "User", sort: "user", key: "user" },
    { label: "Vhost", sort: "vhost", key: "vhost" },
    { label: "Consumers", sort: "consumer_count", key: "consumer_count", number: true },
    { label: "Unacked", sort: "messages_unacknowledged", key: "messages_unacknowledged", number: true },
    { label: "Prefetch", sort: "prefetch_count", key: "prefetch_count", number: true },
    { label: "Confirms", show: (row) => yes(row.confirm) },
  ],
});

// --- policies, users, definitions -------------------------------------------------------------------------------------

const policies = {
  label: "Policies",
  load: () => get("policies"),
  draw: (found) => [
    h("h1", {}, "Policies"),
    table({ caption: "The one with the highest priority applies, alone", rows: found, columns: [
      { label: "Name", key: "name" }, { label: "Vhost", key: "vhost" }, { label: "Pattern", key: "pattern" },
      { label: "Applies to", key: "apply-to" }, { label: "Definition", show: (row) => JSON.stringify(row.definition) },
      { label: "Priority", key: "priority", number: true },
      { label: "Action", show: (row) => act("Delete", async () => {
        if (await confirmed(`Delete the policy ${row.name} in ${row.vhost}?`)) {
          await done(call("DELETE", `policies/${segment(row.vhost)}/${segment(row.name)}`), `Policy ${row.name} was deleted.`);
        }
      }, "bad") }] }),
    ...declareForm("a policy", [vhostField(), field("Name", input("name", { required: true })),
      field("Pattern", input("pattern", { required: true })), field("Applies to", choice("applies", ["all", "queues", "exchanges"])),
      field("Definition (JSON)", input("definition", { required: true, value: '{"max-length": 1000}', size: 30 })),
      field("Priority", input("priority", { type: "number", value: 0 }))], (given) => {
      let definition;
      try {
        definition = JSON.parse(given.definition);
      } catch (error) {
        say(`The definition is no JSON: ${error.message}`);
        return;
      }
      done(call("PUT", `policies/${segment(given.vhost)}/${segment(given.name)}`, { pattern: given.pattern, definition,
        "apply-to": given.applies, priority: Number(given.priority) }), `Policy ${given.name} is in force.`);
    }),
  ],
};

const users = {
  label: "Users",
  tag: ["administrator"],
  load: async () => {
    const [found, permissions, vhosts] = await Promise.all([get("users"), get("permissions"), get("vhosts")]);
    return { found, permissions, vhosts };
  },
  draw: ({ found, permissions, vhosts }) => [
    h("h1", {}, "Users"),
    table({ caption: "Users and where they have permissions", rows: found, columns: [
      { label: "Name", key: "name" }, { label: "Tags", show: (row) => row.tags.join(", ") },
      { label: "Vhosts", show: (row) => permissions.filter((each) => each.user === row.name).map((each) => each.vhost).join(", ") },
      { label: "Action", show: (row) => act("Delete", async () => {
        if (await confirmed(`Delete the user ${row.name}, and end their sessions?`, { name: row.name })) {
          await done(call("DELETE", `users/${segment(row.name)}`), `User ${row.name} was deleted.`);
        }
      }, "bad") }] }),
    ...declareForm("a user", [field("Name", input("name", { required: true, autocomplete: "off" })),
      field("Password", input("password", { type: "password", required: true, autocomplete: "new-password" })),
      field("Tags", input("tags", { placeholder: "management" })),
      field("Permissions in", choice("vhost", ["", ...vhosts.map((each) => each.name)]))],
    async (given) => done((async () => {
      await call("PUT", `users/${segment(given.name)}`, { password: given.password, tags: given.tags });
      if (given.vhost) {
        await call("PUT", `permissions/${segment(given.vhost)}/${segment(given.name)}`, { configure: ".*", write: ".*", read: ".*" });
      }
    })(), `User ${given.name} was added.`)),
  ],
};

const definitions = {
  label: "Definitions",
  tag: ["administrator"],
  load: async () => null,
  draw() {
    const file = h("input", { type: "file", accept: ".json,application/json" });
    const report = h("p", { role: "status" });
    const send = async (isDry) => {
      if (!file.files.length) return;
      try {
        const body = JSON.parse(await file.files[0].text());
        await call("POST", `definitions${isDry ? "?dry-run=true" : ""}`, body);
        report.textContent = isDry ? "They can be imported." : "They were imported.";
      } catch (error) {
        report.textContent = error.message;
      }
    };
    return [
      h("h1", {}, "Definitions"),
      h("p", {}, h("a", { href: "api/definitions?download=definitions.json", download: "definitions.json" }, "Download all"),
        ": users with their hashes, vhosts, permissions, policies, queues, exchanges and bindings."),
      h("section", { class: "panel" }, h("h2", {}, "Import"), h("div", { class: "bar" }, field("File of this format or of RabbitMQ", file),
        act("Try", () => send(true)), act("Import", () => send(false), "first")), report),
    ];
  },
};

export const PAGES = { overview, queues, exchanges, connections, channels, policies, users, definitions, queue: queuePage };
