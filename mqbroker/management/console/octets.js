// Reading octets from the front, for decoders: whatever is not there is an error.

const DEPTH_MAX = 64;

export class Reader {
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    this.at = 0;
    this.depth = 0;
  }

  take(count) {
    if (count < 0 || this.at + count > this.octets.length) throw new RangeError("there is not so much");
    this.at += count;
    return this.at - count;
  }

  unsigned(size) {
    const at = this.take(size);
    if (size === 8) return small(this.view.getBigUint64(at));
    return size === 1 ? this.view.getUint8(at) : size === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  signed(size) {
    const at = this.take(size);
    if (size === 8) return small(this.view.getBigInt64(at));
    return size === 1 ? this.view.getInt8(at) : size === 2 ? this.view.getInt16(at) : this.view.getInt32(at);
  }

  float(size) {
    const at = this.take(size);
    return size === 8 ? this.view.getFloat64(at) : this.view.getFloat32(at);
  }

  bytes(count) {
    const at = this.take(Number(count));
    return this.octets.slice(at, at + Number(count));
  }

  text(count) {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.bytes(count));
  }

  list(count, next) {
    if (count > this.octets.length) throw new RangeError("there is not so much");
    return this.nested(() => Array.from({ length: Number(count) }, next));
  }

  map(count, next) {
    return Object.fromEntries(this.list(count, () => [nameOf(next()), next()]));
  }

  nested(make) {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw new RangeError("it is nested too deeply");
    const made = make();
    this.depth -= 1;
    return made;
  }
}

// All of the octets must be one value.
export function whole(octets, next) {
  const reader = new Reader(octets);
  const value = next(reader);
  if (reader.at !== octets.length) throw new RangeError("there is something after it");
  return value;
}

// The text that octets are; null where they are none, or are no text for people.
export function textIn(octets) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export const small = (value) => (value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value);

export const nameOf = (name) => (typeof name === "string" ? name : JSON.stringify(name, (_key, value) => (typeof value === "bigint" ? String(value) : value)));
