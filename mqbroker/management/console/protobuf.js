// Protocol Buffers without their schema (protobuf.dev, Encoding): fields by their numbers, and what their octets can mean.
// A length-delimited field is a message, a text or octets: the first of these that fits is shown.

import { Reader, small, textIn } from "./octets.js";

const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;
const DEPTH_MAX = 32;

const isAtEnd = (reader) => reader.at >= reader.octets.length;

function varint(reader) {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const octet = reader.unsigned(1);
    value |= BigInt(octet & 0x7f) << shift;
    if (octet < 0x80) return value & 0xffff_ffff_ffff_ffffn;
  }
  throw new Error("a number is too long");
}

// Numbers that come as eight or four octets are integers or fractions: both are shown.
function fixed(reader, size) {
  const at = reader.take(size);
  const [whole, fraction] = size === 8 ? [small(reader.view.getBigUint64(at, true)), reader.view.getFloat64(at, true)]
    : [reader.view.getUint32(at, true), reader.view.getFloat32(at, true)];
  return { [`fixed${size * 8}`]: whole, [size === 8 ? "double" : "float"]: String(fraction) };
}

function delimited(octets, depth) {
  const words = textIn(octets);
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
  while (!isAtEnd(reader)) {
    const tag = varint(reader);
    const [number, kind] = [tag >> 3n, Number(tag & 7n)];
    if (number < 1n || number > 0x1fff_ffffn) throw new Error("no field has that number");
    let value;
    if (kind === VARINT) value = small(varint(reader));
    else if (kind === FIXED64) value = fixed(reader, 8);
    else if (kind === BYTES) value = delimited(reader.bytes(varint(reader)), depth);
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
