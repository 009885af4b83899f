// An event as bytes: the protobuf message that a journal stores (documentation: Bytes).
//
// Every number comes from the chart's document: the header's fields from `wire`, an event's own
// number and fields from `events`.  What the bytes are is tested against the package's codec.

import { ZERO } from "./chart.mjs";
import { ulidBytes, uuidBytes } from "./ids.mjs";

const VARINT = 0;
const SIZED = 2;
const SIXTEEN = ["uuid", "ulid"];

/** A varint of seven bits a byte; a negative number takes ten bytes, as protobuf has it. */
function varint(number) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(number));
  do {
    const more = rest >> 7n;
    bytes.push(Number(rest & 127n) | (more ? 128 : 0));
    rest = more;
  } while (rest);
  return bytes;
}

const sized = (bytes) => [...varint(bytes.length), ...bytes];

const PAYLOADS = {
  int32: varint,
  bool: (value) => varint(value ? 1 : 0),
  string: (value) => sized([...new TextEncoder().encode(value)]),
  uuid: (value) => sized(uuidBytes(value)),
  ulid: (value) => sized(ulidBytes(value)),
};

const kindOf = (type) => (["int32", "bool"].includes(type) ? VARINT : SIZED);

const tagged = (wire, kind, payload) => [...varint(wire * 8 + kind), ...payload];

/** A field with its place on the wire: {name, wire, type, value, bytes}. */
function part(name, wire, type, value) {
  return { name, wire, type, value, bytes: tagged(wire, kindOf(type), PAYLOADS[type](value)) };
}

/** Whether a value is written: ids always, other values if they are not zero. */
const written = ({ type, default: otherwise = null }, value) =>
  SIXTEEN.includes(type) || otherwise !== null || value !== ZERO[type];

/** The parts of an event's message, in the order in which they are written. */
export function parts(chart, event) {
  const known = chart.events.get(event.event);
  const { wire } = chart;
  const listed = known.listing ? [listing(known.listing, event.fields[known.listing.name])] : [];
  return [
    { ...part("event", wire.event, "int32", known.number), means: known.wire_name },
    part("id", wire.id, "ulid", event.id),
    part("parent", wire.parent, "ulid", event.parent),
    ...Object.values(known.fields)
      .filter((field) => written(field, event.fields[field.name]))
      .map((field) => part(field.name, field.wire, field.type, event.fields[field.name])),
    ...listed,
  ].sort((a, b) => a.wire - b.wire);
}

function listing({ field, wire, entries_wire: entriesWire, fields }, rows) {
  const entry = (row) =>
    Object.values(fields)
      .filter(({ name }) => Object.hasOwn(row, name))
      .sort((a, b) => a.wire - b.wire)
      .flatMap(({ name, wire: number, type }) => part(name, number, type, row[name]).bytes);
  const payload = rows.flatMap((row) => tagged(entriesWire, SIZED, sized(entry(row))));
  const bytes = tagged(wire, SIZED, sized(payload));
  return { name: field, wire, type: "message", value: `${rows.length} listed`, bytes };
}

export const hex = (bytes) => bytes.map((byte) => byte.toString(16).padStart(2, "0"));
