// The octets of a message, as people read them.

import { cbor } from "./cbor.js";
import { field, h } from "./dom.js";
import { msgpack } from "./msgpack.js";
import { textIn } from "./octets.js";
import { protobuf } from "./protobuf.js";

const SHOWN_BYTES_MAX = 65536;

function octetsOf(message) {
  if (message.payload_encoding === "string") return new TextEncoder().encode(message.payload);
  return Uint8Array.from(atob(message.payload), (letter) => letter.charCodeAt(0));
}

const FORMS = { auto: "as it fits", text: "text", json: "JSON", cbor: "CBOR", msgpack: "MessagePack", protobuf: "Protobuf", hex: "hex", base64: "Base64" };

// A choice of forms, and the payload in the chosen one.
export function payloadView(message, form, onchange) {
  return h("div", {}, h("div", { class: "bar" }, formChoice(form, onchange)), payload(message, form));
}

export function formChoice(form, onchange) {
  return field("Payload as", h("select", { onchange: (event) => onchange(event.target.value) },
    Object.entries(FORMS).map(([name, label]) => h("option", { value: name, selected: name === form }, label))));
}

export function payload(message, form) {
  const text = h("pre", { tabindex: "0", class: "payload" }, "…");
  shown(octetsOf(message), form, typeOf(message)).then((found) => {
    text.textContent = found;
    text.classList.toggle("hex", /^0{8}  /m.test(found));
  });
  return h("div", {}, text, message.payload_bytes > SHOWN_BYTES_MAX ? h("p", { class: "faint" }, "The first 64 KiB are shown.") : null);
}

const typeOf = (message) => String(message.properties?.content_type || "").toLowerCase();

export async function shown(octets, form, type = "") {
  const [plain, packing] = await unpacked(octets);
  return (packing ? `${packing}, unpacked:\n` : "") + inForm(plain, form, type);
}

function inForm(octets, form, type) {
  switch (form) {
    case "hex": return hex(octets);
    case "base64": return base64(octets);
    case "text": return new TextDecoder().decode(octets);
    case "json": return pretty(textIn(octets)) ?? "This is no JSON.";
    case "cbor": return read(cbor, octets) ?? "This is no CBOR.";
    case "msgpack": return read(msgpack, octets) ?? "This is no MessagePack.";
    case "protobuf": return read(protobuf, octets) ?? "This is no Protobuf.";
    default: return fitting(octets, type);
  }
}

function fitting(octets, type) {
  const named = /cbor/.test(type) ? read(cbor, octets) : /msgpack/.test(type) ? read(msgpack, octets)
    : /protobuf/.test(type) ? read(protobuf, octets) : null;
  if (named !== null) return named;
  const text = textIn(octets);
  if (text !== null) return pretty(text) ?? text;
  return read(cbor, octets, true) ?? read(msgpack, octets, true) ?? hex(octets);
}

// What a decoder makes of all of the octets. Without a type that says so, only what has parts is taken for it: any
// octet is a number to both.
function read(decode, octets, isGuess = false) {
  try {
    const value = decode(octets);
    if (isGuess && (typeof value !== "object" || value === null)) return null;
    return JSON.stringify(value, readable, 2);
  } catch {
    return null;
  }
}

function readable(_name, value) {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? `h'${[...value].map((octet) => octet.toString(16).padStart(2, "0")).join("")}'` : value;
}

function pretty(text) {
  try {
    return text === null ? null : JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

const PACKINGS = { gzip: (octets) => octets[0] === 0x1f && octets[1] === 0x8b,
  deflate: (octets) => octets[0] === 0x78 && (octets[0] * 256 + octets[1]) % 31 === 0 };

async function unpacked(octets) {
  const packing = octets.length > 2 && "DecompressionStream" in window && Object.keys(PACKINGS).find((name) => PACKINGS[name](octets));
  if (!packing) return [octets, ""];
  try {
    const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream(packing));
    return [await firstOf(stream.getReader()), packing];
  } catch {
    return [octets, ""];
  }
}

// A small message may become a very large one: the beginning will do.
async function firstOf(reader) {
  const parts = [];
  let size = 0;
  while (size < 16 * SHOWN_BYTES_MAX) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  reader.cancel().catch(() => null);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function base64(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += 8192) text += String.fromCharCode(...octets.slice(at, at + 8192));
  return btoa(text);
}

function hex(octets) {
  const lines = [];
  for (let at = 0; at < octets.length; at += 16) {
    const row = [...octets.slice(at, at + 16)];
    const digits = row.map((octet) => octet.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const letters = row.map((octet) => (octet > 31 && octet < 127 ? String.fromCharCode(octet) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${digits}  ${letters}`);
  }
  return lines.join("\n");
}
