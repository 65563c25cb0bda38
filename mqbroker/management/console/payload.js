// The octets of a message, as people read them.

export function octetsOf(message) {
  if (message.payload_encoding === "string") return new TextEncoder().encode(message.payload);
  return Uint8Array.from(atob(message.payload), (letter) => letter.charCodeAt(0));
}

export const FORMS = { auto: "as it fits", text: "text", json: "JSON", hex: "hex", base64: "Base64" };

export async function shown(octets, form) {
  const plain = await unpacked(octets);
  const note = plain === octets ? "" : "gzip, unpacked:\n";
  if (form === "hex") return note + hex(plain);
  if (form === "base64") return note + btoa(String.fromCharCode(...plain));
  const text = decoded(plain);
  if (form === "text") return note + (text ?? new TextDecoder().decode(plain));
  const json = text === null ? null : pretty(text);
  if (form === "json") return note + (json ?? "This is no JSON.");
  return note + (json ?? text ?? hex(plain));
}

function decoded(octets) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return null;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

async function unpacked(octets) {
  if (octets.length < 3 || octets[0] !== 0x1f || octets[1] !== 0x8b || !("DecompressionStream" in window)) return octets;
  try {
    const stream = new Blob([octets]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return octets;
  }
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
