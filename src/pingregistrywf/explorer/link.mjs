// A sequence of actions, and what it starts with, as a link's fragment, and back.
//
// #1.MODEL.CHECK.DATA: the version of the format, a hash of the model that the sequence is for, a
// hash of the data, and the data, which is JSON in base64 for addresses.  Any other text, and one
// that names what the model does not have, is refused as a whole and with a reason.  The version is
// 1 if every history is empty at first, and 2 if the data begin with a start.
//
// #state.CHART.STATE names a state instead, to begin in.  #state.CHART.STATE.COMMAND also names a
// command to send there, and #state.CHART.STATE.COMMAND.other asks for arguments that differ from
// those that are carried.  #operation.SET.OPERATION names an operation to run where it does something.

import { faultOf } from "./chart.mjs";
import { hash, isUlid } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";
import { idOf } from "./session.mjs";
import { startOf, stateOf } from "./start.mjs";

const EMPTY = "1";
const STARTED = "2";
/** So many actions a link holds: what opens it plays them all. */
export const MOST = 1000;
const POOL = 9;
const STATE = "state.";
const OPERATION = "operation.";

export class LinkError extends Error {}

/** What marks the model: links of another one are foreign. */
const markOf = (session) => {
  const charts = [...session.charts.values()].map(({ sha256 }) => sha256);
  return hash(JSON.stringify([charts, [...session.sets.keys()]])).toString(36);
};

/** Ids that a sequence is likely to name, so that a link can hold their number. */
function pool(session) {
  const declared = [...session.charts.values()].flatMap(({ commands }) => [...commands.values()]);
  const operations = [...session.sets.values()].flatMap((set) => set.operations);
  const args = [...declared, ...operations].flatMap((each) => Object.values(each.arguments));
  const uuids = args.filter(({ type }) => type === "uuid").map(({ name }) => name);
  const words = [...new Set([...session.charts.keys(), ...uuids])];
  return words.flatMap((word) => Array.from({ length: POOL }, (_, index) => idOf(word, index + 1)));
}

/** The fragment of a session's sequence, without the sharp. */
export function encode(session) {
  const known = pool(session);
  const [charts, sets] = [[...session.charts.keys()], [...session.sets.keys()]];
  const values = (args, declared) =>
    Object.values(declared).map(({ name, type }) => {
      const place = type === "uuid" ? known.indexOf(args[name]) : -1;
      return place < 0 ? args[name] : place;
    });
  const rows = session.actions.map((action) => {
    if (action.kind === "run") {
      const { operations } = session.sets.get(action.set);
      const place = operations.findIndex(({ name }) => name === action.operation);
      return [
        1,
        sets.indexOf(action.set),
        place,
        action.crash,
        values(action.args, operations[place].arguments),
      ];
    }
    const commands = [...session.charts.get(action.chart).commands.values()];
    const place = commands.findIndex(({ name }) => name === action.command);
    const vid = { [NO_VC]: 0, [RETRY]: 1 }[action.vid] ?? action.vid;
    const args = values(action.args, commands[place].arguments);
    const ids = action.ids ? [action.ids] : [];
    return [0, charts.indexOf(action.chart), action.history, place, vid, args, ...ids];
  });
  const { start } = session;
  const data = toBase64(JSON.stringify(start ? [rowOfStart(session, start), ...rows] : rows));
  return [start ? STARTED : EMPTY, markOf(session), hash(data).toString(36), data].join(".");
}

/**
 * The state that a fragment names: {chart, state, command, other}; null if it holds a sequence.
 *
 * The command is undefined if the fragment names none.
 *
 * @throws LinkError if the charts do not have what it names.
 */
export function placeOf(session, fragment) {
  if (!fragment.startsWith(STATE)) return null;
  const [chart, state, command, which, ...more] = fragment.slice(STATE.length).split(".");
  const known = session.charts.get(chart);
  const fine =
    known?.columns.includes(state) &&
    (command === undefined || known.commands.has(command)) &&
    [undefined, "other"].includes(which) &&
    !more.length;
  if (!fine)
    throw new LinkError("The link names a state or a command that the charts here do not have.");
  return { chart, state, command, other: which !== undefined };
}

/**
 * The operation that a fragment names: {set, operation}; null if it names none.
 *
 * @throws LinkError if there is no such operation.
 */
export function operationOf(session, fragment) {
  if (!fragment.startsWith(OPERATION)) return null;
  const [set, operation, ...more] = fragment.slice(OPERATION.length).split(".");
  const known = session.sets.get(set)?.operations.some(({ name }) => name === operation);
  if (!known || more.length)
    throw new LinkError("The link names an operation that is not declared here.");
  return { set, operation };
}

/**
 * What a fragment holds: {start, actions}; the start is null if every history is empty at first.
 *
 * @throws LinkError if it holds none; the message says why, for people.
 */
export function decode(session, fragment) {
  const [version, mark, check, data, ...more] = fragment.split(".");
  if (data === undefined || more.length) throw new LinkError("The link is no link of an explorer.");
  if (![EMPTY, STARTED].includes(version))
    throw new LinkError("The link was made by another version of the explorer.");
  if (hash(data).toString(36) !== check)
    throw new LinkError("The link is damaged: a part of it is missing or changed.");
  if (mark !== markOf(session))
    throw new LinkError("The link was made for other charts, or for another version of them.");
  try {
    const rows = JSON.parse(fromBase64(data));
    demandRow(Array.isArray(rows));
    const start = version === STARTED ? startOfRow(session, rows.shift()) : null;
    return { start, actions: actionsOf(session, rows) };
  } catch (error) {
    if (
      error instanceof TypeError ||
      error instanceof SyntaxError ||
      error instanceof DOMException
    ) {
      throw new LinkError("The link is damaged: it holds no sequence of commands.");
    }
    throw error;
  }
}

function demandRow(fine) {
  if (!fine) throw new TypeError("not a row");
}

const isHistory = (number) => Number.isInteger(number) && number > 0 && number <= POOL;

/** A start as [chart, history, parent, events], each event [type, id, entries]. */
function rowOfStart(session, { chart: name, history, events }) {
  const chart = session.charts.get(name);
  const types = [...chart.events.keys()];
  const rows = events.map(({ event, id, fields }) => {
    const { listing } = chart.events.get(event);
    const names = listing ? Object.keys(listing.fields) : [];
    const entries = listing ? fields[listing.name] : [];
    return [types.indexOf(event), id, entries.map((entry) => names.map((each) => entry[each] ?? null))];
  });
  return [[...session.charts.keys()].indexOf(name), history, events[0].parent, rows];
}

function startOfRow(session, [place, history, parent, rows]) {
  const chart = [...session.charts.values()][place];
  const types = [...chart.events.values()];
  demandRow(isHistory(history) && isUlid(parent));
  const events = [];
  for (const [type, id, entries] of rows) {
    const { name, listing } = types[type];
    const before = events.at(-1)?.id ?? parent;
    demandRow(isUlid(id) && id > before);
    const fields = listing ? { [listing.name]: entries.map((row) => entryOfRow(chart, listing, row)) } : {};
    events.push({ event: name, id, parent: before, fields });
  }
  const start = startOf(chart, history, events);
  demandRow(start?.events.length === events.length);
  stateOf(chart, start); // which fails if an entry is in no state
  return start;
}

function entryOfRow(chart, listing, row) {
  const names = Object.keys(listing.fields);
  demandRow(row.length === names.length);
  const present = names.filter((_, place) => row[place] !== null);
  const declared = Object.fromEntries(present.map((name) => [name, listing.fields[name]]));
  const entry = Object.fromEntries(present.map((name) => [name, row[names.indexOf(name)]]));
  demandRow(Object.hasOwn(entry, chart.keyedBy) && !faultOf(declared, entry));
  return entry;
}

function actionsOf(session, rows) {
  const known = pool(session);
  const [charts, sets] = [[...session.charts.keys()], [...session.sets.keys()]];
  const argsOf = (declared, row) => {
    const args = Object.values(declared);
    demandRow(Array.isArray(row) && row.length === args.length);
    demandRow(row.every((each) => each === null || typeof each !== "object"));
    const value = (type, each) => (type === "uuid" && Number.isInteger(each) ? known[each] : each);
    return Object.fromEntries(args.map(({ name, type }, place) => [name, value(type, row[place])]));
  };
  demandRow(rows.length <= MOST);
  return rows.map((row) => {
    demandRow(Array.isArray(row));
    if (row[0] === 1) {
      const [, set, place, crash, values] = row;
      const operation = session.sets.get(sets[set]).operations[place];
      const { name, steps } = operation;
      demandRow(crash === null || (Number.isInteger(crash) && crash >= 0 && crash <= steps.length));
      const args = argsOf(operation.arguments, values);
      return { kind: "run", set: sets[set], operation: name, args, crash };
    }
    const [kind, chart, history, place, vid, values, ids] = row;
    const command = [...session.charts.get(charts[chart]).commands.values()][place];
    demandRow(kind === 0 && isHistory(history));
    demandRow([0, 1].includes(vid) || isUlid(vid));
    const asked = [NO_VC, RETRY][vid] ?? vid;
    const args = argsOf(command.arguments, values);
    demandRow(ids === undefined || (Array.isArray(ids) && ids.every(isUlid)));
    const action = { kind: "tell", chart: charts[chart], history, command: command.name, args };
    return { ...action, vid: asked, ...(ids && { ids }) };
  });
}

function toBase64(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64(data) {
  const bytes = atob(data.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder("utf-8", { fatal: true }).decode(
    Uint8Array.from(bytes, (each) => each.charCodeAt(0)),
  );
}
