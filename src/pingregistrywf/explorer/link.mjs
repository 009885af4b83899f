// A sequence of actions as a link's fragment, and back.
//
// #1.MODEL.CHECK.DATA: the version of the format, a hash of the model that the sequence is for, a
// hash of the data, and the data, JSON in base64 for addresses.  What is not such a text, or names
// what the model has not, is refused with a reason: nothing of it is believed.

import { hash, isUlid } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";
import { idOf } from "./session.mjs";

const VERSION = "1";
const MOST = 1000;
const POOL = 9;

export class LinkError extends Error {}

/** What marks the model: links of another one are foreign. */
const markOf = (session) => {
  const charts = [...session.charts.values()].map(({ document }) => document.sha256);
  return hash(JSON.stringify([charts, [...session.sets.keys()]])).toString(36);
};

/** Ids that a sequence is likely to name, so that a link can hold their number. */
function pool(session) {
  const declared = [...session.charts.values()].flatMap(({ commands }) => [...commands.values()]);
  const operations = [...session.sets.values()].flatMap((set) => set.operations);
  const args = [...declared, ...operations].flatMap((each) => each.args);
  const uuids = args.filter(({ type }) => type === "uuid").map(({ name }) => name);
  const words = [...new Set([...session.charts.keys(), ...uuids])];
  return words.flatMap((word) => Array.from({ length: POOL }, (_, index) => idOf(word, index + 1)));
}

/** The fragment of a session's sequence, without the sharp. */
export function encode(session) {
  const known = pool(session);
  const [charts, sets] = [[...session.charts.keys()], [...session.sets.keys()]];
  const values = (args, declared) =>
    declared.map(({ name, type }) => {
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
        values(action.args, operations[place].args),
      ];
    }
    const commands = [...session.charts.get(action.chart).commands.values()];
    const place = commands.findIndex(({ name }) => name === action.command);
    const vid = { [NO_VC]: 0, [RETRY]: 1 }[action.vid] ?? action.vid;
    const told = values(action.args, commands[place].args);
    return [0, charts.indexOf(action.chart), action.history, place, vid, told];
  });
  const data = toBase64(JSON.stringify(rows));
  return [VERSION, markOf(session), hash(data).toString(36), data].join(".");
}

/**
 * The actions that a fragment holds.
 *
 * @throws LinkError if it holds none; the message says why, for people.
 */
export function decode(session, fragment) {
  const [version, mark, check, data, ...more] = fragment.split(".");
  if (data === undefined || more.length) throw new LinkError("The link is no link of an explorer.");
  if (version !== VERSION)
    throw new LinkError("The link was made by another version of the explorer.");
  if (hash(data).toString(36) !== check)
    throw new LinkError("The link is damaged: a part of it is missing or changed.");
  if (mark !== markOf(session))
    throw new LinkError("The link was made for other charts, or for another version of them.");
  try {
    return actionsOf(session, JSON.parse(fromBase64(data)));
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

function actionsOf(session, rows) {
  const known = pool(session);
  const [charts, sets] = [[...session.charts.keys()], [...session.sets.keys()]];
  const demand = (fine) => {
    if (!fine) throw new TypeError("not a row");
  };
  const args = (declared, told) => {
    demand(Array.isArray(told) && told.length === declared.length);
    demand(told.every((each) => each === null || typeof each !== "object"));
    const value = (type, each) => (type === "uuid" && Number.isInteger(each) ? known[each] : each);
    return Object.fromEntries(
      declared.map(({ name, type }, place) => [name, value(type, told[place])]),
    );
  };
  demand(Array.isArray(rows) && rows.length <= MOST);
  return rows.map((row) => {
    demand(Array.isArray(row));
    if (row[0] === 1) {
      const [, set, place, crash, told] = row;
      const { name, args: declared, steps } = session.sets.get(sets[set]).operations[place];
      demand(crash === null || (Number.isInteger(crash) && crash >= 0 && crash <= steps.length));
      return { kind: "run", set: sets[set], operation: name, args: args(declared, told), crash };
    }
    const [kind, chart, history, place, vid, told] = row;
    const { name, args: declared } = [...session.charts.get(charts[chart]).commands.values()][
      place
    ];
    demand(kind === 0 && Number.isInteger(history) && history > 0 && history <= POOL);
    demand([0, 1].includes(vid) || isUlid(vid));
    const asked = [NO_VC, RETRY][vid] ?? vid;
    return {
      kind: "tell",
      chart: charts[chart],
      history,
      command: name,
      args: args(declared, told),
      vid: asked,
    };
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
