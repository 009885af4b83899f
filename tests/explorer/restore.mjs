// Plays the sequence of a link: node restore.mjs JOB
//
// The job is JSON: {charts, operations, link}, with documents as in chart.json and operations.json.
// Prints {errors, histories}: the error of each command, or null; and of each history that has some
// its events: [type, id, fields].

import { decode } from "../../src/pingregistrywf/explorer/link.mjs";
import { Session } from "../../src/pingregistrywf/explorer/session.mjs";

const { link, ...model } = JSON.parse(process.argv[2]);
const session = new Session(model);
const { start, actions } = decode(session, link);
session.restart(actions, { start });
const errors = session.results.map(({ answer }) => answer.error?.name ?? null);
const histories = [...session.journal.histories.values()].map(({ events }) =>
  events.map(({ event, id, fields }) => [event, id, fields]),
);
console.log(JSON.stringify({ errors, histories }));
