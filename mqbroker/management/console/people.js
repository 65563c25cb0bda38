// Policies, users, definitions.

import { say } from "./app.js";
import { below, call, get, query, segment } from "./api.js";
import { act, choice, confirmed, field, form, h, input, number, table } from "./dom.js";
import { done } from "./listing.js";

const APPLIES = ["all", "queues", "exchanges"];

// --- policies -------------------------------------------------------------------------------------------------------

function policyForm() {
  const preview = h("p", { class: "faint", role: "status" });
  const look = async (event) => {
    const { vhost, pattern, applies } = Object.fromEntries(new FormData(event.target.form));
    try {
      const found = await get(`mqbroker/vhosts/${segment(vhost)}/matching?${query({ pattern, "apply-to": applies })}`);
      const part = (name) => `${number(found[name].count)} ${name}${found[name].first.length ? ` (${found[name].first.join(", ")}${found[name].count > found[name].first.length ? ", …" : ""})` : ""}`;
      preview.textContent = `It would be for ${part("queues")} and ${part("exchanges")}.`;
    } catch (error) {
      preview.textContent = error.message;
    }
  };
  const made = form("Declare a policy", [field("Vhost", input("vhost", { value: "/", required: true, onchange: look })),
    field("Name", input("name", { required: true })),
    field("Pattern", input("pattern", { required: true, oninput: look })), field("Applies to", h("select", { name: "applies", onchange: look },
      APPLIES.map((each) => h("option", { value: each }, each)))),
    field("Definition (JSON)", input("definition", { required: true, value: '{"max-length": 1000}', size: 30 })),
    field("Priority", input("priority", { type: "number", value: 0 }))], (given) => {
    let definition;
    try {
      definition = JSON.parse(given.definition);
    } catch (error) {
      say(`The definition is no JSON: ${error.message}`);
      return;
    }
    done(call("PUT", below("policies", given.vhost, given.name), { pattern: given.pattern, definition,
      "apply-to": given.applies, priority: Number(given.priority) }), `Policy ${given.name} is in force.`);
  }, { isOpen: true });
  made.append(preview);
  return made;
}

function deletePolicy(row) {
  return act("Delete", async () => {
    if (!(await confirmed(`Delete the policy ${row.name} in ${row.vhost}?`))) return;
    const place = below("policies", row.vhost, row.name);
    const back = { pattern: row.pattern, definition: row.definition, priority: row.priority, "apply-to": row["apply-to"] };
    await done(call("DELETE", place), `Policy ${row.name} was deleted.`,
      () => () => done(call("PUT", place, back), `Policy ${row.name} is in force again.`));
  }, "bad");
}

export const policies = {
  label: "Policies",
  load: () => get("policies"),
  draw: (found) => [
    h("h1", {}, "Policies"),
    table({ caption: "The one with the highest priority applies, alone", rows: found, columns: [
      { label: "Name", key: "name" }, { label: "Vhost", key: "vhost" }, { label: "Pattern", key: "pattern" },
      { label: "Applies to", key: "apply-to" }, { label: "Definition", show: (row) => JSON.stringify(row.definition) },
      { label: "Priority", key: "priority", number: true }, { label: "Action", show: deletePolicy }] }),
    policyForm(),
  ],
};

// --- users ----------------------------------------------------------------------------------------------------------

function passwordDialog(row) {
  const password = input("password", { type: "password", required: true, autocomplete: "new-password" });
  const dialog = h("dialog", { "aria-label": "Change password" }, h("form", { onsubmit: async (event) => {
    event.preventDefault();
    dialog.close();
    await done(call("PUT", `users/${segment(row.name)}`, { password: password.value, tags: row.tags.join(",") }),
      `${row.name} has a new password; sessions with the old one have ended.`);
  } }, h("p", {}, `Another password for ${row.name}`), field("New password", password),
  h("p", { class: "bar" }, h("button", { class: "first" }, "Change"), act("Cancel", () => dialog.close()))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function keysDialog(row) {
  const place = `mqbroker/users/${segment(row.name)}/access-keys`;
  const list = h("div", {});
  const draw = async (made = null) => {
    const found = await get(place);
    list.replaceChildren(...(made ? [h("p", {}, "Note the secret: it is shown once."),
      h("pre", { tabindex: "0", class: "payload" }, `aws_access_key_id = ${made.id}\naws_secret_access_key = ${made.secret}`)] : []),
    table({ caption: `Access keys of ${row.name}`, rows: found, empty: "None.", columns: [{ label: "Id", key: "id" }, { label: "Account", key: "account" },
      { label: "Action", show: (key) => act("Delete key", async () => {
        if (await confirmed(`Delete the access key ${key.id}? Requests that are signed with it are refused.`)) await tried(() => call("DELETE", below(place, key.id)));
      }, "bad") }] }));
  };
  const problem = h("p", { class: "error", role: "status" });
  const tried = async (work) => {
    try {
      problem.textContent = "";
      await draw(await work());
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const account = input("account", { value: "000000000000", size: 14 });
  const dialog = h("dialog", { "aria-label": "Access keys" }, list, problem, h("p", { class: "bar" }, field("Account", account),
    act("Make a key", () => tried(() => call("POST", place, { account: account.value })), "first"), act("Close", () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  await tried(async () => null);
}

export const users = {
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
      { label: "Action", show: (row) => h("span", { class: "bar" }, act("Password", () => passwordDialog(row)), act("Access keys", () => keysDialog(row)), act("Delete", async () => {
        if (await confirmed(`Delete the user ${row.name}, and end their sessions?`, { name: row.name })) {
          await done(call("DELETE", `users/${segment(row.name)}`), `User ${row.name} was deleted.`);
        }
      }, "bad")) }] }),
    form("Declare a user", [field("Name", input("name", { required: true, autocomplete: "off" })),
      field("Password", input("password", { type: "password", required: true, autocomplete: "new-password" })),
      field("Tags", input("tags", { placeholder: "management" })),
      field("Permissions in", choice("vhost", ["", ...vhosts.map((each) => each.name)]))],
    (given) => done((async () => {
      await call("PUT", `users/${segment(given.name)}`, { password: given.password, tags: given.tags });
      if (given.vhost) {
        await call("PUT", below("permissions", given.vhost, given.name), { configure: ".*", write: ".*", read: ".*" });
      }
    })(), `User ${given.name} was added.`), { isOpen: true }),
  ],
};

// --- definitions ------------------------------------------------------------------------------------------------------

export const definitions = {
  label: "Definitions",
  tag: ["administrator"],
  isStill: true,
  load: async () => null,
  draw() {
    const file = h("input", { type: "file", accept: ".json,application/json" });
    const report = h("div", { role: "status" });
    const send = async (isDry) => {
      if (!file.files.length) return;
      try {
        const body = JSON.parse(await file.files[0].text());
        const found = await call("POST", `definitions${isDry ? "?dry-run=true" : ""}`, body);
        report.replaceChildren(...(isDry ? preview(found) : ["They were imported."]));
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

// What an import would do, section by section.
function preview(found) {
  const rows = Object.entries(found).map(([name, counts]) => ({ name: name.replaceAll("_", " "), ...counts }));
  return [h("p", {}, "They can be imported. Nothing was changed yet."),
    table({ caption: "What would change", rows, empty: "There is nothing in it.", columns: [
      { label: "What", key: "name" }, { label: "New", key: "new", number: true }, { label: "Changed", key: "changed", number: true },
      { label: "Other here, stays", key: "kept", number: true }, { label: "The same", key: "same", number: true },
      { label: "Names", show: (row) => h("span", { class: "words" }, row.names.join(", ")) }] })];
}
