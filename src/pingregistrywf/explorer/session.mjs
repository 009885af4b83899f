// A session: where it starts, a sequence of actions, and what came of them.
//
// An action is {kind: "tell", chart, history, command, args, vid} or {kind: "run", set, operation,
// args, crash}: charts by name, histories by number from 1.  Histories are empty at first, but for
// the one of the start, if there is one.  Ids and times depend on an action's place in the sequence
// alone, or on the `ids` that it carries from a journal, so the same sequence always gives the same
// ids: that is what lets an action be undone, and a link be restored, by playing the sequence again.

import { Chart } from "./chart.mjs";
import { bytesOf, isUuid, ulid, uuid } from "./ids.mjs";
import { Journal, NO_VC } from "./journal.mjs";
import { run } from "./operations.mjs";
import { listedIn, stateOf } from "./start.mjs";

const BEGINNING = Date.UTC(2026, 0, 1);
const SECOND = 1000;

const made = new Map();

/** An id that depends on words alone. */
export function idOf(...words) {
  const text = words.join("/");
  if (!made.has(text)) made.set(text, uuid(bytesOf(text, 16)));
  return made.get(text);
}

/** An event id that nobody drew, for arguments that need one. */
export const madeUp = (name, number) => ulid(BEGINNING, bytesOf(`${name}/${number}`, 10));

export class Session {
  /** @param model {charts, operations}: documents as in chart.json and operations.json. */
  constructor(model) {
    this.charts = new Map(model.charts.map((document) => [document.name, new Chart(document)]));
    const sets = model.operations.map(({ name, operations }) => ({
      name,
      operations: Object.values(operations),
    }));
    this.sets = new Map(sets.map((set) => [set.name, set]));
    this.restart([]);
  }

  /**
   * Play a sequence from the beginning.
   *
   * @param start what a history starts with; null if all are empty.
   * @param undone what can be done again after the sequence.
   */
  restart(actions, { start = null, undone = [] } = {}) {
    this.start = start;
    this.undone = undone;
    this.actions = [];
    this.results = [];
    this.drawn = 0;
    this.journal = new Journal(() => this.draw());
    if (start) this.begin(start);
    for (const action of actions) this.play(action);
  }

  begin({ chart, history, events }) {
    const known = this.charts.get(chart);
    const state = stateOf(known, { events });
    this.journal.keep(known, idOf(chart, history), { state, events, deleted: false });
  }

  /** Perform one more action: {answer} of a command, {steps, crashed, fault} of an operation. */
  perform(action) {
    this.undone = [];
    return this.play(action);
  }

  play(action) {
    this.actions.push(action);
    this.given = [...(action.ids ?? [])];
    const result = action.kind === "tell" ? this.tell(action) : this.run(action);
    this.results.push(result);
    return result;
  }

  /** Go to a place of the timeline: so many actions are done, and the others are undone. */
  goTo(place) {
    const all = [...this.actions, ...this.undone];
    this.restart(all.slice(0, place), { start: this.start, undone: all.slice(place) });
  }

  /** The ids that an argument of this name had in what was sent, or is listed with, each once. */
  valuesOf(name) {
    const listed = this.start ? listedIn(this.charts.get(this.start.chart), this.start) : [];
    const sent = this.actions.map(({ args }) => args);
    return [...new Set([...listed, ...sent].map((each) => each[name]).filter(isUuid))];
  }

  /** What a command would do now. */
  ask({ chart, history, command, args, vid }) {
    return this.journal.ask(this.charts.get(chart), idOf(chart, history), vid, command, args);
  }

  /** A history as it is now: {state, events, deleted}. */
  read(chart, history) {
    return this.journal.read(this.charts.get(chart), idOf(chart, history));
  }

  operation({ set, operation }) {
    return this.sets.get(set).operations.find(({ name }) => name === operation);
  }

  tell({ chart, history, command, args, vid = NO_VC }) {
    const known = this.charts.get(chart);
    const before = this.read(chart, history).state;
    const answer = this.journal.tell(known, idOf(chart, history), vid, command, args);
    return { before, answer };
  }

  run(action) {
    return run(this.charts, this.journal, this.operation(action), action.args, action.crash);
  }

  draw() {
    if (this.given.length) return this.given.shift();
    this.drawn += 1;
    const place = this.actions.length;
    return ulid(BEGINNING + place * SECOND, bytesOf(`${place}/${this.drawn}`, 10));
  }
}

/**
 * The charts whose histories an argument of this name names, as the declared operations say.
 *
 * A keyed chart's key that some operation uses as a history names one, too.
 */
export function namedHistories(session) {
  const named = new Map();
  for (const set of session.sets.values()) {
    for (const { steps } of set.operations)
      for (const step of steps) named.set(step.history, step.chart);
  }
  return named;
}
