// Protocol Buffers without their schema (protobuf.dev, Encoding): fields by their numbers, and what their octets can mean.
// A length-delimited field is a message, a text or octets: the first of these that fits is shown.

const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;
const DEPTH_MAX = 32;

class Reader {
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    this.at = 0;
  }

  get isAtEnd() { return this.at >= this.octets.length; }

  varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.isAtEnd) throw new Error("a number ends too early");
      const octet = this.octets[this.at++];
      value |= BigInt(octet & 0x7f) << shift;
      if (octet < 0x80) return value & 0xffff_ffff_ffff_ffffn;
    }
    throw new Error("a number is too long");
  }

  take(count) {
    if (count > this.octets.length - this.at) throw new Error("a field ends too early");
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }
}

const small = (value) => (value <= 0x1f_ffff_ffff_ffffn ? Number(value) : value);

// Numbers that come as eight or four octets are integers or fractions: both are shown.
function fixed(reader, size) {
  const at = reader.at;
  reader.take(size);
  const [whole, fraction] = size === 8 ? [small(reader.view.getBigUint64(at, true)), reader.view.getFloat64(at, true)]
    : [reader.view.getUint32(at, true), reader.view.getFloat32(at, true)];
  return { [`fixed${size * 8}`]: whole, [size === 8 ? "double" : "float"]: String(fraction) };
}

function text(octets) {
  try {
    const found = new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return /[\u0000-\u0008\u000e-\u001f]/.test(found) ? null : found;
  } catch {
    return null;
  }
}

function delimited(octets, depth) {
  const words = text(octets);
  if (words !== null && !/^[\n\t\r]/.test(words)) return words;
  try {
    return message(octets, depth + 1);
  } catch {
    return words ?? octets;
  }
}

function message(octets, depth) {
  if (depth > DEPTH_MAX) throw new Error("too deep");
  const reader = new Reader(octets);
  const found = {};
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const [number, kind] = [tag >> 3n, Number(tag & 7n)];
    if (number < 1n || number > 0x1fff_ffffn) throw new Error("no field has that number");
    let value;
    if (kind === VARINT) value = small(reader.varint());
    else if (kind === FIXED64) value = fixed(reader, 8);
    else if (kind === BYTES) value = delimited(reader.take(Number(reader.varint())), depth);
    else if (kind === FIXED32) value = fixed(reader, 4);
    else throw new Error("no field is of that kind");
    const name = String(number);
    if (name in found) found[name] = Array.isArray(found[name]) ? [...found[name], value] : [found[name], value];
    else found[name] = value;
  }
  return found;
}

export function protobuf(octets) {
  if (!octets.length) throw new Error("there is nothing");
  return message(octets, 0);
}
