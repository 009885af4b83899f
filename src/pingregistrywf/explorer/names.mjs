// What things are called: histories, ids and vids as people and programs name them.

import { EPOCH, NIL } from "./ids.mjs";
import { NO_VC, RETRY } from "./journal.mjs";
import { idOf, namedHistories } from "./session.mjs";
import { stateOf } from "./start.mjs";

const LETTERS = "ABCDEFGHI";

/** The name of a thing from words: `ping registry 1` is ping_registry1. */
export const snake = (text) =>
  text
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase();

export class Names {
  /** @param counts how many histories of each chart there are. */
  constructor(session, counts) {
    this.session = session;
    this.counts = counts;
    this.named = namedHistories(session);
  }

  history(chart, number) {
    return `${this.session.charts.get(chart).title} ${number}`;
  }

  /** The snapshot that a start is. */
  snapshot(start) {
    const { size } = stateOf(this.session.charts.get(start.chart), start).entries;
    return `a snapshot of ${size === 1 ? "1 entry" : `${size} entries`}`;
  }

  /** What a history starts with, as a sentence without its full stop. */
  started(start) {
    return `${this.history(start.chart, start.history)} starts with ${this.snapshot(start)}`;
  }

  /** A history's id, one that an argument of this name may take, or the beginning of any other. */
  uuid(text, name = "") {
    if (text === NIL) return "nil";
    const known = name && this.uuids(name).find(({ value }) => value === text);
    if (known) return known.label;
    for (const [chart, count] of this.counts) {
      for (let number = 1; number <= count; number += 1) {
        if (idOf(chart, number) === text) return this.history(chart, number);
      }
    }
    return `${String(text).slice(0, 8)}…`;
  }

  /** The end of a ULID, which differs where the beginning, the time, may not. */
  ulid(text) {
    return text === EPOCH ? "the epoch" : `…${String(text).slice(-6)}`;
  }

  /** Any value, of an argument, field or carried value of this name, for people. */
  value(type, value, name) {
    if (type === "uuid") return this.uuid(value, name);
    if (type === "ulid") return this.ulid(value);
    return JSON.stringify(value);
  }

  vid(vid) {
    return (
      { [NO_VC]: "any version", [RETRY]: "any version, retried" }[vid] ??
      `version ${this.ulid(vid)}`
    );
  }

  /** The ids that an argument of this name may be expected to take: [{value, label}]. */
  uuids(name) {
    const chart = this.named.get(name) ?? this.keyOf(name);
    if (chart) {
      const numbers = Array.from({ length: this.counts.get(chart) }, (_, index) => index + 1);
      return numbers.map((number) => ({
        value: idOf(chart, number),
        label: this.history(chart, number),
      }));
    }
    return [1, 2].map((number) => {
      const value = idOf(name, number);
      return { value, label: `${LETTERS[number - 1]} (${value.slice(0, 8)}…)` };
    });
  }

  /** A chart that a keyed chart's key may be about: the first that is not keyed, if there is. */
  keyOf(name) {
    const charts = [...this.session.charts.values()];
    if (!charts.some(({ keyedBy }) => keyedBy === name)) return undefined;
    return charts.find(({ keyedBy }) => !keyedBy)?.name;
  }
}
