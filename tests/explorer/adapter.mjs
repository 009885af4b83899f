// Adapter protocol 1 around the explorer's engine: node adapter.mjs CHART.JSON [CHART.JSON …]
//
// The first chart is the default.  Histories live in memory; every server sees the same ones.

import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { Chart } from "../../src/pingregistrywf/explorer/chart.mjs";
import { compare } from "../../src/pingregistrywf/explorer/engine.mjs";
import { EPOCH, NIL, isUlid, isUuid, ulid } from "../../src/pingregistrywf/explorer/ids.mjs";
import { Journal, NO_VC, RETRY } from "../../src/pingregistrywf/explorer/journal.mjs";

const charts = new Map(
  process.argv.slice(2).map((path) => {
    const document = JSON.parse(readFileSync(path, "utf-8"));
    return [document.name, new Chart(document)];
  }),
);
const [first] = charts.keys();
const journal = new Journal(() => ulid(Date.now(), webcrypto.getRandomValues(new Uint8Array(10))));

class Refused extends Error {
  constructor(code, message, facts = {}) {
    super(message);
    // The protocol knows no facts of a chart's own errors.
    const { arg, stored, expected } = facts;
    this.reply = { code, definite: true, message, arg, stored, expected };
  }
}

const invalid = (message) => new Refused("InvalidCommand", message);

function historyOf(chart, request) {
  const name = chart.keyedBy ? "index" : "workflow";
  const id = request[name];
  if (!isUuid(id) || id === NIL) throw invalid(`${name} is a UUID in lower case, and not nil`);
  return id;
}

const answers = {
  exec(chart, request) {
    const { command, args = {}, vid = NO_VC } = request;
    const fault = typeof command === "string" ? chart.faultOf(command, args) : "command is a name";
    if (fault) throw invalid(fault);
    const declared = chart.commands.get(command);
    // Stricter than the charts: the protocol takes a nil UUID nowhere.
    const nil = Object.values(declared.arguments).find(({ name, type }) => type === "uuid" && args[name] === NIL);
    if (nil) throw invalid(`${nil.name} is nil`);
    if (!declared.starts && ![NO_VC, RETRY].includes(vid) && !isUlid(vid))
      throw invalid("vid is a ULID");
    const result = journal.tell(chart, historyOf(chart, request), vid, command, args);
    if (result.error) {
      const { name, message, facts } = result.error;
      throw new Refused(name.replace(/Error$/, ""), message, facts);
    }
    return { vid: result.vid, events: result.events };
  },

  find(chart, request) {
    const { state } = journal.read(chart, historyOf(chart, request));
    if (chart.keyedBy) return { vid: state.vid, ...listed(chart, state) };
    if (state.vid === EPOCH) throw new Refused("Uninitialized", "the history has no event");
    const values = Object.entries(state.carried).map(([name, value]) => [name, plain(value)]);
    return { state: state.state, vid: state.vid, ...Object.fromEntries(values) };
  },

  events(chart, request) {
    return { events: journal.read(chart, historyOf(chart, request)).events };
  },
};

function listed(chart, state) {
  const names = [...chart.states.keys()].filter((name) => name !== chart.initial);
  const keys = (name) =>
    [...state.entries].filter(([, entry]) => entry.state === name).map(([key]) => key);
  return Object.fromEntries(names.map((name) => [name.toLowerCase(), keys(name).sort(compare)]));
}

/** A carried value: null for an id or a record that no event has set. */
function plain(value) {
  if (value === NIL || value === EPOCH) return null;
  return value.event_id === EPOCH ? null : value;
}

function answer(request) {
  const { id = null, op } = request;
  const chart = charts.get(request.chart ?? first);
  if (op === "hello") return { id, hello: hello(chart) };
  if (op === "bye") return { id, bye: {} };
  if (!Object.hasOwn(answers, op))
    return { id, unsupported: { reason: `there is no op ${JSON.stringify(op)} here` } };
  if (!chart)
    return {
      id,
      unsupported: { reason: `there is no chart ${JSON.stringify(request.chart)} here` },
    };
  try {
    return { id, ok: answers[op](chart, request) };
  } catch (error) {
    if (error instanceof Refused) return { id, error: error.reply };
    throw error;
  }
}

function hello(chart) {
  return {
    implementation: "pingregistrywf explorer",
    version: "1",
    language: "javascript",
    protocol: 1,
    capabilities: [
      "versions",
      "retry",
      "delete",
      "multi_server",
      ...([...charts.values()].some(({ keyedBy }) => keyedBy) ? ["index"] : []),
    ],
    ...(chart ? { chart_sha256: chart.sha256 } : {}),
  };
}

// JSON's 1.0 is no integer of the protocol, but JSON.parse makes it one: such numbers become null,
// which no argument takes.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const strictly = (line) =>
  line.replace(TOKEN, (token) => (/^-?\d+[.eE]/.test(token) ? "null" : token));

function parsed(line) {
  try {
    const request = JSON.parse(strictly(line));
    if (request !== null && typeof request === "object" && !Array.isArray(request)) return request;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return null;
}

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
for await (const line of lines) {
  const request = parsed(line);
  const reply = request
    ? answer(request)
    : { id: null, error: invalid("a request is one JSON object a line").reply };
  process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (request?.op === "bye") break;
}
lines.close();
