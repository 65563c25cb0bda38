// MessagePack (github.com/msgpack/msgpack, spec.md) as values of JavaScript, for display.

import { whole } from "./octets.js";

const TIMESTAMP = -1;

export const msgpack = (octets) => whole(octets, item);

function item(reader) {
  const head = reader.unsigned(1);
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 256;
  if (head < 0x90) return map(reader, head & 15);
  if (head < 0xa0) return list(reader, head & 15);
  if (head < 0xc0) return reader.text(head & 31);
  return longer(reader, head);
}

const map = (reader, count) => reader.map(count, () => item(reader));
const list = (reader, count) => reader.list(count, () => item(reader));

function longer(reader, head) {
  if (head >= 0xcc && head <= 0xcf) return reader.unsigned(1 << (head - 0xcc));
  if (head >= 0xd0 && head <= 0xd3) return reader.signed(1 << (head - 0xd0));
  if (head >= 0xd4 && head <= 0xd8) return extension(reader, 1 << (head - 0xd4));
  if (head >= 0xd9 && head <= 0xdb) return reader.text(reader.unsigned(1 << (head - 0xd9)));
  if (head >= 0xc4 && head <= 0xc6) return reader.bytes(reader.unsigned(1 << (head - 0xc4)));
  if (head >= 0xc7 && head <= 0xc9) return extension(reader, reader.unsigned(1 << (head - 0xc7)));
  switch (head) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xca: return reader.float(4);
    case 0xcb: return reader.float(8);
    case 0xdc: return list(reader, reader.unsigned(2));
    case 0xdd: return list(reader, reader.unsigned(4));
    case 0xde: return map(reader, reader.unsigned(2));
    case 0xdf: return map(reader, reader.unsigned(4));
    default: throw new RangeError("an octet that begins nothing");
  }
}

function extension(reader, size) {
  const kind = reader.signed(1);
  const octets = reader.bytes(size);
  if (kind === TIMESTAMP && size === 4) return new Date(new DataView(octets.buffer).getUint32(0) * 1000).toISOString();
  return { extension: kind, octets };
}
