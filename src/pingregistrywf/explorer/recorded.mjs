// A history that a journal has recorded, as a sequence of actions that come to the same events.
//
// The journal has events and no commands.  For each event the chart names a command that appends
// it; where several do, the first is taken.  An action keeps the ids that were recorded.  What no
// command can append again, because the events before it are gone, is the start.

import { ZERO } from "./chart.mjs";
import { decide, emptyState, evolve } from "./engine.mjs";
import { RETRY } from "./journal.mjs";
import { startOf, stateOf } from "./start.mjs";

/**
 * The start and the actions that a recorded history comes from.
 *
 * @param recorded its events: [{event, id, parent, fields}].
 * @returns {start, actions, left}: the start is null if the history is whole; left counts the events, at the end, that no command appends here.
 */
export function actionsOfRecorded(chart, history, recorded) {
  const actions = [];
  const start = startOf(chart, history, recorded);
  let state = start ? stateOf(chart, start) : emptyState(chart);
  let place = start ? start.events.length : 0;
  while (place < recorded.length) {
    const found = commandOf(chart, state, recorded.slice(place));
    if (!found) break;
    const { command, args, count } = found;
    const events = recorded.slice(place, place + count);
    const ids = events.map(({ id }) => id);
    actions.push({ kind: "tell", chart: chart.name, history, command, args, vid: RETRY, ids });
    state = events.reduce((before, event) => evolve(chart, before, event), state);
    place += count;
  }
  return { start, actions, left: recorded.length - place };
}

/** A command that appends the first of these events, or the first few: {command, args, count}. */
function commandOf(chart, state, events) {
  for (const [command, { arguments: declared }] of chart.commands) {
    for (const args of argsFor(chart, command, declared, events[0])) {
      const { drafts } = decide(chart, state, command, args);
      const same = ({ event, fields }, place) =>
        event === events[place]?.event && alike(fields, events[place].fields);
      if (drafts.length && drafts.every(same)) return { command, args, count: drafts.length };
    }
  }
  return null;
}

/** The arguments by which the cells of a command would fill the event's fields. */
function argsFor(chart, command, declared, { fields }) {
  const zeros = Object.fromEntries(Object.values(declared).map(({ name, type }) => [name, ZERO[type]]));
  const cells = [...chart.cells.values()].filter((cell) => cell.command === command);
  const sources = cells.filter(({ outcome }) => outcome === "emit").map((cell) => cell.sources);
  if (!sources.length) return [zeros];
  return sources.map((each) => ({
    ...zeros,
    ...(chart.keyedBy !== null && chart.keyedBy in zeros && { [chart.keyedBy]: fields[chart.keyedBy] }),
    ...Object.fromEntries(
      Object.entries(each)
        .filter(([, from]) => "argument" in from)
        .map(([field, from]) => [from.argument, fields[field]]),
    ),
  }));
}

const alike = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.entries(value)
    .map(([name, each]) => [name, sorted(each)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
