// A chart, as its document chart.json describes it: finds its parts by name, and checks arguments.
//
// No rule is written here or in any other script: what a command does is read from the document's
// table.

import { EPOCH, NIL, isUlid, isUuid } from "./ids.mjs";

/** The column of the table for a history that was deleted. */
export const DELETED = "Deleted";

export const ZERO = { int32: 0, string: "", bool: false, uuid: NIL, ulid: EPOCH };

const UNPAIRED = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const IS_A = {
  int32: (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
  string: (value) => typeof value === "string" && !UNPAIRED.test(value),
  bool: (value) => typeof value === "boolean",
  uuid: isUuid,
  ulid: isUlid,
};

const MEANT = {
  int32: "a whole number of 32 bits",
  string: "text without unpaired surrogates",
  bool: "true or false",
  uuid: "a UUID in lower case with hyphens",
  ulid: "a ULID: 26 characters of Crockford base 32 in upper case",
};

const byName = (parts) => new Map(Object.entries(parts));
const cellName = (...words) => words.join(" ");

/** A chart, by its document. */
export class Chart {
  constructor(document) {
    const { name, title, facade, initial, sha256, key, wire, columns, otherwise } = document;
    Object.assign(this, { name, title, facade, initial, sha256, wire, columns, otherwise });
    this.keyedBy = key ? key.name : null;
    for (const part of ["states", "records", "carried", "events", "commands", "errors"]) {
      this[part] = byName(document[part]);
    }
    const named = (cell) => [cellName(cell.command, cell.arguments, cell.state), cell];
    this.cells = new Map(document.table.map(named));
  }

  /** What is wrong with a command's arguments, or null. */
  faultOf(command, args) {
    const known = this.commands.get(command);
    if (!known) return `there is no command ${JSON.stringify(command)}`;
    return faultOf(known.arguments, args);
  }

  /** The cell of the table for a command in a state; `same` decides where arguments matter. */
  cell(command, same, state) {
    const about = (which) => this.cells.get(cellName(command, which, state));
    return about("any") ?? about(same ? "same" : "other");
  }

  /** The states in which a command does something, and those in which it changes nothing. */
  allowed(command) {
    const states = this.columns.filter((state) => this.cell(command, true, state));
    const outcome = (state) => this.cell(command, true, state).outcome;
    return {
      acts: states.filter((state) => !["noop", "reject"].includes(outcome(state))),
      rests: states.filter((state) => outcome(state) === "noop"),
    };
  }

  /** What a rule says, in prose. */
  prose(command, rule) {
    return this.commands.get(command).rules.find(({ id }) => id === rule)?.doc ?? "";
  }

  /** The carried values that no event has set yet. */
  nothing() {
    const empty = {
      value: ({ type }) => ZERO[type],
      list: () => [],
      record: ({ record }) => this.emptyRecord(record),
    };
    const values = [...this.carried].map(([name, each]) => [name, empty[each.kind](each)]);
    return Object.fromEntries(values);
  }

  emptyRecord(name) {
    const fields = Object.values(this.records.get(name).fields);
    const zeros = fields.map((field) => [field.name, ZERO[field.type]]);
    return { ...Object.fromEntries(zeros), event_id: EPOCH };
  }
}

/** What is wrong with the arguments, compared with those that are declared, or null. */
export function faultOf(declared, args) {
  if (args === null || typeof args !== "object" || Array.isArray(args)) return "args is an object";
  const unknown = Object.keys(args).find((name) => !Object.hasOwn(declared, name));
  if (unknown !== undefined) return `there is no argument ${JSON.stringify(unknown)}`;
  for (const { name, type, nonzero } of Object.values(declared)) {
    if (!Object.hasOwn(args, name)) return `${name} is missing`;
    if (!IS_A[type](args[name])) return `${name} is ${MEANT[type]}`;
    if (nonzero && args[name] === ZERO[type]) return `${name} is zero, empty or nil`;
  }
  return null;
}
