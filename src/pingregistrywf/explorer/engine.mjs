// Decide and evolve: what a command does to a state, and what an event does.  Pure.
//
// A state is {state, vid, carried}; that of a keyed chart {vid, entries, since}, where entries maps
// keys to {state, carried} and since counts the events after the newest snapshot.

import { DELETED, ZERO } from "./chart.mjs";
import { EPOCH } from "./ids.mjs";

/** The state of an empty history. */
export function emptyState(chart) {
  if (chart.keyedBy) return { vid: EPOCH, entries: new Map(), since: 0 };
  return { state: chart.initial, vid: EPOCH, carried: chart.nothing() };
}

/** The entry of a key, also of one that is not listed. */
export function entryOf(chart, state, key) {
  return state.entries.get(key) ?? { state: chart.initial, carried: chart.nothing() };
}

/**
 * What the command does in the state: {outcome, target, rule, prose, drafts, error}.
 *
 * Outcome is emit, noop, reject or delete; error is null or {name, message, facts}.
 */
export function decide(chart, state, command, args, deleted = false) {
  if (chart.isSnapshot(command)) return decideSnapshot(chart, state, args);
  const at = chart.keyedBy ? entryOf(chart, state, args[chart.keyedBy]) : state;
  const column = deleted ? DELETED : at.state;
  const same = chart.cell(command, true, column);
  const other = same.compared.find((name) => args[name] !== at.carried[name]);
  const cell = other === undefined ? same : chart.cell(command, false, column);
  const { outcome, target, rule } = cell;
  const said = chart.prose(command, rule);
  const decision = { outcome, target, rule, prose: said || cell.reason, drafts: [], error: null };
  if (outcome === "emit") {
    const { name, fields } = chart.events.get(cell.event);
    decision.drafts.push({ event: name, fields: taken(fields, cell.sources, args) });
  }
  if (outcome === "reject") {
    decision.error = refusal(chart, cell, { command, column, args, other });
    decision.prose = said || decision.error.doc;
  }
  return decision;
}

/** The state after the event. */
export function evolve(chart, state, event) {
  const known = chart.events.get(event.event);
  if (!known) return evolveSnapshot(chart, state, event);
  if (!chart.keyedBy) return { ...changed(known, state, event), vid: event.id };
  const key = event.fields[chart.keyedBy];
  const entries = new Map(state.entries);
  if (known.to === chart.initial) entries.delete(key);
  else entries.set(key, changed(known, entryOf(chart, state, key), event));
  return { vid: event.id, entries, since: state.since + 1 };
}

function changed(known, at, event) {
  const carried = { ...at.carried };
  const record = (sources) => ({ ...mapped(sources, event.fields), event_id: event.id });
  for (const [name, source] of Object.entries(known.set)) {
    carried[name] = typeof source === "string" ? event.fields[source] : record(source);
  }
  for (const [name, sources] of Object.entries(known.append)) {
    carried[name] = [...carried[name], record(sources)];
  }
  return { state: known.to, carried };
}

const mapped = (sources, fields) =>
  Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, fields[source]]));

/** Fields filled from arguments: each from the one of its name, unless the table says otherwise. */
function taken(fields, sources, args) {
  const take = (source) => (typeof source === "string" ? args[source] : source.constant);
  return Object.fromEntries(fields.map(({ name }) => [name, take(sources[name] ?? name)]));
}

// --- Refusals: three errors that every chart knows, and the chart's own --------------------------

const KNOWN = {
  StateConflictError: ({ command, column }) => ({
    message: `state conflict: ${command} is not allowed in ${column}`,
    doc: "The command is not allowed in this state.",
  }),
  ArgumentNotIdempotentError: ({ other }) => ({
    message: `argument not idempotent: ${pascal(other)} differs from the value stored first`,
    doc: "The argument differs from the one stored.",
    facts: { arg: pascal(other) },
  }),
  HistoryDeletedError: () => ({
    message: "the history was deleted and its id is not free yet: use another id",
    doc: "The history was deleted, and its id is not free yet.",
  }),
};

const pascal = (name) =>
  name
    .split("_")
    .map((word) => word[0].toUpperCase() + word.slice(1).toLowerCase())
    .join("");

function refusal(chart, cell, situation) {
  const declared = chart.errors.get(cell.error);
  const known = KNOWN[cell.error]?.(situation);
  const facts = known?.facts ?? taken(declared?.fields ?? [], cell.sources, situation.args);
  const doc = declared?.doc || known?.doc || "";
  return { name: cell.error, message: known?.message ?? doc, doc, facts };
}

// --- Snapshots of keyed charts -------------------------------------------------------------------

const BEGIN = "SnapshotBegin";
const STATE = "SnapshotState";
const END = "SnapshotEnd";

function decideSnapshot(chart, state, args) {
  const { command, doc, limit, saving } = chart.snapshot;
  const listed = state.entries.size;
  const decision = {
    outcome: "noop",
    target: null,
    rule: command.name,
    prose: doc,
    drafts: [],
    error: null,
  };
  const refuse = (name) => {
    const { doc: why } = chart.errors.get(name);
    return {
      ...decision,
      outcome: "reject",
      prose: why,
      error: { name, message: why, doc: why, facts: {} },
    };
  };
  if (state.since === 0) return decision;
  if (listed > limit.entries) return refuse(limit.error);
  const cost = saving.base + saving.per_entry * listed;
  if (args[command.option] && (state.since < saving.events || cost >= state.since)) {
    return refuse(saving.error);
  }
  const told = {
    event: STATE,
    fields: { [chart.snapshot.message.entries]: listing(chart, state) },
  };
  const drafts = [
    { event: BEGIN, fields: {} },
    ...(listed ? [told] : []),
    { event: END, fields: {} },
  ];
  return { ...decision, outcome: "emit", drafts };
}

function listing(chart, state) {
  const { order_by: order, message } = chart.snapshot;
  const types = new Map(chart.document.carried.map(({ name, type }) => [name, type]));
  const rows = [...state.entries].map(([key, { carried }]) => ({
    [chart.keyedBy]: key,
    ...carried,
  }));
  rows.sort((a, b) => compare(a[order], b[order]) || compare(a[chart.keyedBy], b[chart.keyedBy]));
  const kept = (row) => (name) => name === chart.keyedBy || row[name] !== ZERO[types.get(name)];
  const names = Object.keys(message.fields);
  return rows.map((row) =>
    Object.fromEntries(names.filter(kept(row)).map((name) => [name, row[name]])),
  );
}

/** Less than, equal to or greater than zero; texts by code points, as their bytes sort in UTF-8. */
export function compare(a, b) {
  if (typeof a !== "string") return Number(a) - Number(b);
  const [left, right] = [[...a], [...b]];
  const place = left.findIndex((letter, index) => letter !== right[index]);
  if (place < 0) return left.length - right.length;
  return left[place].codePointAt(0) - (right[place]?.codePointAt(0) ?? -1);
}

function evolveSnapshot(chart, state, event) {
  const rewritten = new Map(state.rewritten);
  if (event.event === END) return { vid: event.id, entries: rewritten, since: 0 };
  for (const row of event.fields[chart.snapshot.message.entries] ?? []) {
    const { [chart.keyedBy]: key, ...carried } = row;
    const values = { ...chart.nothing(), ...carried };
    const [found] = Object.entries(chart.snapshot.states).find(
      ([, name]) => name === null || Object.hasOwn(carried, name),
    );
    rewritten.set(key, { state: found, carried: values });
  }
  return { ...state, vid: event.id, rewritten };
}
