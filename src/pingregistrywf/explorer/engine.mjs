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

/** The kinds of guards: whether an argument is as the carried value of its name demands. */
const GUARDS = { same: (argument, carried) => argument === carried };

/**
 * What the command does in the state: {outcome, source, target, rule, prose, drafts, error}.
 *
 * Outcome is that of the table's cell; error is null or {name, message, doc, facts}.
 */
export function decide(chart, state, command, args, deleted = false) {
  const { rewrite } = chart.commands.get(command);
  if (rewrite) return decideRewrite(chart, state, command, args);
  const at = chart.keyedBy ? entryOf(chart, state, args[chart.keyedBy]) : state;
  const column = deleted ? DELETED : at.state;
  const same = chart.cell(command, true, column);
  const { guard, compared } = same;
  const other = compared.find((name) => !GUARDS[guard](args[name], at.carried[name]));
  const cell = other === undefined ? same : chart.cell(command, false, column);
  const { outcome, target, rule, event } = cell;
  const prose = cell.reason || chart.prose(command, rule);
  const decision = { outcome, source: column, target, rule, prose, drafts: [], error: null };
  if (outcome === "emit") decision.drafts.push({ event, fields: taken(cell.sources, args) });
  if (outcome === "reject") {
    decision.error = refusal(chart, cell, { column, args, other });
    decision.prose ||= decision.error.doc;
  }
  return decision;
}

/** The state after the event. */
export function evolve(chart, state, event) {
  const known = chart.events.get(event.event);
  if (known.rewrite) return rewritten(chart, state, known, event);
  if (!chart.keyedBy) return { ...changed(known, state, event), vid: event.id };
  const key = event.fields[chart.keyedBy];
  const entries = new Map(state.entries);
  if (known.to === chart.initial) entries.delete(key);
  else entries.set(key, changed(known, entryOf(chart, state, key), event));
  return { vid: event.id, entries, since: state.since + 1 };
}

function changed(known, at, event) {
  const carried = { ...at.carried };
  for (const { carried: name, operation, field, sources } of known.carries) {
    const value = field === null ? recordOf(sources, event) : event.fields[field];
    carried[name] = operation === "append" ? [...carried[name], value] : value;
  }
  return { state: known.to, carried };
}

const recordOf = (sources, event) => ({
  ...mapped(sources, (field) => event.fields[field]),
  event_id: event.id,
});

/** Fields of an event or of an error, filled from their sources. */
const taken = (sources, args) =>
  mapped(sources, (from) => ("argument" in from ? args[from.argument] : from.constant));

const mapped = (parts, change) =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, change(part)]));

// --- Refusals: three errors that every chart has, and the chart's own ----------------------------

const KNOWN = {
  StateConflictError: ({ command }, { column }) => ({
    message: `state conflict: ${command} is not allowed in ${column}`,
    doc: "The command is not allowed in this state.",
  }),
  ArgumentNotIdempotentError: (_, { other }) => ({
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
  const known = KNOWN[cell.error]?.(cell, situation);
  const doc = declared?.doc || known?.doc || "";
  const facts = known?.facts ?? taken(cell.sources, situation.args);
  return { name: cell.error, message: known?.message ?? doc, doc, facts };
}

// --- Rewrites of a keyed chart's history ---------------------------------------------------------

function decideRewrite(chart, state, command, args) {
  const cell = chart.cell(command, true, chart.initial);
  const { option, begin, list, end, limit, saving } = chart.commands.get(command).rewrite;
  const { rule } = cell;
  const prose = chart.prose(command, rule);
  const nothing = { target: null, rule, prose, drafts: [], error: null };
  const refuse = (name) => {
    const error = refusal(chart, { ...cell, error: name }, { args });
    return { ...nothing, outcome: "reject", prose: error.doc, error };
  };
  const listed = state.entries.size;
  if (state.since === 0) return { ...nothing, outcome: "noop" };
  if (listed > limit.entries) return refuse(limit.error);
  const cost = saving.base + saving.per_entry * listed;
  if (args[option] && (state.since < saving.events || cost >= state.since)) {
    return refuse(saving.error);
  }
  const { listing } = chart.events.get(list);
  const entries = { event: list, fields: { [listing.name]: listedEntries(chart, state, command) } };
  const empty = (event) => ({ event, fields: {} });
  const drafts = [empty(begin), ...(listed ? [entries] : []), empty(end)];
  return { ...nothing, outcome: cell.outcome, drafts };
}

/** Every entry in the order of the rewrite; carried values that are zero are left out. */
function listedEntries(chart, state, command) {
  const { order_by: order, list } = chart.commands.get(command).rewrite;
  const { fields } = chart.events.get(list).listing;
  const { keyedBy } = chart;
  const rows = [...state.entries].map(([key, { carried }]) => ({ ...carried, [keyedBy]: key }));
  rows.sort((a, b) => compare(a[order], b[order]) || compare(a[keyedBy], b[keyedBy]));
  const kept = (row) => ({ name, type }) => name === keyedBy || row[name] !== ZERO[type];
  return rows.map((row) => {
    const present = Object.values(fields).filter(kept(row));
    return Object.fromEntries(present.map(({ name }) => [name, row[name]]));
  });
}

/** Less than, equal to or greater than zero; texts by code points, as their bytes sort in UTF-8. */
export function compare(a, b) {
  if (typeof a !== "string") return Number(a) - Number(b);
  const [left, right] = [[...a], [...b]];
  const place = left.findIndex((letter, index) => letter !== right[index]);
  if (place < 0) return left.length - right.length;
  return left[place].codePointAt(0) - (right[place]?.codePointAt(0) ?? -1);
}

/** The state after an event of a rewrite: the entries that are listed replace all others. */
function rewritten(chart, state, { rewrite, listing }, event) {
  if (rewrite === "end") return { vid: event.id, entries: state.listed, since: 0 };
  const listed = new Map(state.listed);
  for (const row of listing ? event.fields[listing.name] : []) {
    const { [chart.keyedBy]: key, ...carried } = row;
    const choice = listing.states.find(
      ({ carried: name }) => name === null || Object.hasOwn(carried, name),
    );
    listed.set(key, { state: choice.state, carried: { ...chart.nothing(), ...carried } });
  }
  return { ...state, vid: event.id, listed };
}
