// CBOR (RFC 8949) as values of JavaScript, for display: tags are left out, but for those that say how to read octets.

import { nameOf, whole } from "./octets.js";

const BREAK = Symbol("break");

export const cbor = (octets) => whole(octets, item);

function item(reader, mayBreak = false) {
  const head = reader.unsigned(1);
  const [major, info] = [head >> 5, head & 31];
  if (info === 31) return endless(reader, major, mayBreak);
  if (major === 7) return simple(reader, info);
  const count = argument(reader, info);
  switch (major) {
    case 0: return count;
    case 1: return typeof count === "bigint" ? -1n - count : -1 - count;
    case 2: return reader.bytes(count);
    case 3: return reader.text(count);
    case 4: return reader.list(count, () => item(reader));
    case 5: return reader.map(count, () => item(reader));
    default: return tagged(reader.nested(() => item(reader)), count);
  }
}

function argument(reader, info) {
  if (info < 24) return info;
  if (info > 27) throw new RangeError("a length that is none");
  return reader.unsigned(1 << (info - 24));
}

function simple(reader, info) {
  switch (info) {
    case 20: return false;
    case 21: return true;
    case 22: case 23: return null;
    case 25: return half(reader.unsigned(2));
    case 26: return reader.float(4);
    case 27: return reader.float(8);
    case 24: return `simple(${reader.unsigned(1)})`;
    default: return `simple(${info})`;
  }
}

// RFC 8949, appendix D.
function half(bits) {
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
  const value = exponent === 0 ? mantissa * 2 ** -24 : exponent === 31 ? (mantissa ? NaN : Infinity) : (mantissa + 1024) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -value : value;
}

function endless(reader, major, mayBreak) {
  if (major === 7 && mayBreak) return BREAK;
  if (major < 2 || major > 5) throw new RangeError("a length that is none");
  const parts = reader.nested(() => {
    const found = [];
    for (let part = item(reader, true); part !== BREAK; part = item(reader, true)) found.push(part);
    return found;
  });
  switch (major) {
    case 2: return new Uint8Array(parts.map((part) => [...part]).flat());
    case 3: return parts.join("");
    case 4: return parts;
    default:
      if (parts.length % 2) throw new RangeError("a name without a value");
      return Object.fromEntries(parts.filter((_, at) => at % 2 === 0).map((name, at) => [nameOf(name), parts[2 * at + 1]]));
  }
}

// Tags 2 and 3 are large integers; tag 1 is a time in seconds (RFC 8949 §3.4).
function tagged(value, tag) {
  if ((tag === 2 || tag === 3) && value instanceof Uint8Array) {
    const size = value.reduce((total, octet) => (total << 8n) | BigInt(octet), 0n);
    return tag === 2 ? size : -1n - size;
  }
  if (tag === 1 && typeof value === "number" && Math.abs(value) < 8e12) return new Date(value * 1000).toISOString();
  return value;
}
