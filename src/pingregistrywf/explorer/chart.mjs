// A chart as its document chart.json says it, with its names looked up and its values checked.
//
// This is the one place that knows how the document is laid out.  No rule stands here or in any
// other script: what a command does is read from the document's table.

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

const byName = (parts) => new Map(parts.map((part) => [part.name, part]));

/** A chart, by its document. */
export class Chart {
  constructor(document) {
    Object.assign(this, { document, name: document.name, title: document.title });
    this.keyedBy = document.keyed_by;
    this.snapshot = document.snapshot;
    this.states = byName(document.states);
    this.initial = document.states.find((state) => state.initial).name;
    this.events = byName(document.events);
    this.errors = byName(document.errors);
    this.commands = byName(document.commands);
    if (this.snapshot) {
      const { name, doc, option, option_doc } = this.snapshot.command;
      const argument = { name: option, type: "bool", nonzero: false, doc: option_doc };
      this.commands.set(name, { name, doc, starts: false, args: [argument], rules: [] });
    }
    this.records = byName(document.records);
  }

  /** True if the command is the one that rewrites a keyed chart's history. */
  isSnapshot(command) {
    return this.snapshot !== null && this.snapshot.command.name === command;
  }

  /** What is wrong with a command's arguments, or null. */
  faultOf(command, args) {
    const known = this.commands.get(command);
    if (!known) return `there is no command ${JSON.stringify(command)}`;
    return faultOf(known.args, args);
  }

  /** A row of the table: what the command does in every state; `same` where it compares. */
  cell(command, same, state) {
    const rows = this.document.table.filter((row) => row.command === command);
    const row = rows.find(({ arguments: of }) => of === "any" || (of === "same") === same);
    return row.cells[state];
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
    return Object.fromEntries(
      this.document.carried.map((each) => [each.name, empty[each.kind](each)]),
    );
  }

  emptyRecord(name) {
    const fields = this.records.get(name).fields.map((field) => [field.name, ZERO[field.type]]);
    return { ...Object.fromEntries(fields), event_id: EPOCH };
  }
}

/** What is wrong with arguments, given what is declared of them, or null. */
export function faultOf(declared, args) {
  if (args === null || typeof args !== "object" || Array.isArray(args)) return "args is an object";
  const names = declared.map(({ name }) => name);
  const unknown = Object.keys(args).find((name) => !names.includes(name));
  if (unknown !== undefined) return `there is no argument ${JSON.stringify(unknown)}`;
  for (const { name, type, nonzero } of declared) {
    if (!Object.hasOwn(args, name)) return `${name} is missing`;
    if (!IS_A[type](args[name])) return `${name} is ${MEANT[type]}`;
    if (nonzero && args[name] === ZERO[type]) return `${name} is zero, empty or nil`;
  }
  return null;
}
