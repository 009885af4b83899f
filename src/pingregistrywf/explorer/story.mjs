// What was done as a story: who sent what to which history, and what came back.
//
// The story is plain values: `start`, {to, says} of the history that is not empty at first or null;
// `messages` in order, each {number, to, says, outcome, answer}; and `frames`, one for each operation,
// {name, from, to, crash}, which hold messages by their places.
// It is drawn as SVG and written as Mermaid; both are made of text that is never markup.

import { idOf } from "./session.mjs";

const LONGEST = 44;

const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/** The story of a session: {start, participants, messages, frames}; participants are histories' names. */
export function story(session, names) {
  const start = session.start && {
    to: names.history(session.start.chart, session.start.history),
    says: `starts with ${names.snapshot(session.start)}`,
  };
  const participants = start ? [start.to] : [];
  const messages = [];
  const frames = [];
  const add = (chart, to, command, args, answer) => {
    if (!participants.includes(to)) participants.push(to);
    const { commands } = session.charts.get(chart);
    const shown = Object.values(commands.get(command)?.arguments ?? {}).map(({ name, type }) =>
      names.value(type, args[name], name),
    );
    const says = shortened(`${command}(${shown.join(", ")})`);
    messages.push({ to, says, outcome: answer.outcome, answer: answerOf(answer) });
  };
  session.actions.forEach((action, index) => {
    const result = session.results[index];
    if (action.kind === "tell") {
      const { chart, history, command, args } = action;
      add(chart, names.history(chart, history), command, args, result.answer);
      return;
    }
    const from = messages.length;
    for (const { step, sent, answer } of result.steps) {
      if (answer) add(step.chart, historyOf(session, names, sent.history), step.command, sent.args, answer);
    }
    const crash = result.crashed ? crashOf(action.crash) : "";
    frames.push({ name: action.operation, from, to: messages.length, crash });
  });
  return { start, participants, messages, frames };
}

function historyOf(session, names, id) {
  for (const [chart, count] of names.counts) {
    for (let number = 1; number <= count; number += 1)
      if (idOf(chart, number) === id) return names.history(chart, number);
  }
  return names.uuid(id);
}

const crashOf = (step) => (step ? `crash after step ${step}` : "crash before step 1");

function answerOf({ outcome, events, target, error }) {
  if (outcome === "reject") return error.name;
  if (outcome === "noop") return "nothing to do";
  if (outcome === "delete") return "deleted";
  const appended = events.map(({ event }) => event).join(", ");
  return shortened(outcome === "emit" ? `${appended} → ${target}` : appended);
}

// --- Mermaid -------------------------------------------------------------------------------------

/** Text for Mermaid: what means something there is written by its number. */
const quoted = (text) =>
  text.replace(/[#;<>&"%{}\n\r]/g, (letter) => `#${letter.codePointAt(0)};`);

/** The story as a sequence diagram of Mermaid. */
export function mermaid({ start, participants, messages, frames }) {
  const lines = ["sequenceDiagram", "    participant you as You"];
  participants.forEach((name, place) => lines.push(`    participant h${place + 1} as ${quoted(name)}`));
  if (start) lines.push(`    Note over h1: ${quoted(start.says)}`);
  const begins = (place) => frames.filter(({ from }) => from === place);
  const ends = (place) => frames.filter(({ to }) => to === place);
  const close = ({ name, crash, from, to }) => {
    if (crash) lines.push(`    Note over you: ${quoted(crash)}`);
    if (to > from) lines.push("    end");
    else if (!crash) lines.push(`    Note over you: ${quoted(name)} was refused`);
  };
  messages.forEach(({ to, says, outcome, answer }, place) => {
    if (place) ends(place).filter(({ from }) => from < place).forEach(close);
    for (const frame of begins(place)) {
      if (frame.to > place) lines.push("    rect rgba(128, 128, 128, 0.1)", `    Note over you: ${quoted(frame.name)}`);
      else close(frame);
    }
    const at = `h${participants.indexOf(to) + 1}`;
    lines.push(`    you->>${at}: ${quoted(says)}`);
    lines.push(`    ${at}${outcome === "reject" ? "--x" : "-->>"}you: ${quoted(answer)}`);
  });
  ends(messages.length).forEach(close);
  return `${lines.join("\n")}\n`;
}

// --- SVG -----------------------------------------------------------------------------------------

const NAMESPACE = "http://www.w3.org/2000/svg";
const COLUMN = 270;
const LEFT = 120;
/** Half the width of the box with a history's name. */
const HALF = 100;
const TITLES = 34;
const ROW = 56;
const NOTE = 26;
/** So many messages are drawn; of more, the last ones are. */
const MOST_DRAWN = 40;

const FILE_STYLE = `
.story { font: 13px system-ui, sans-serif; background: #fff; color: #1f2328 }
.story text { fill: #1f2328; paint-order: stroke; stroke: #fff; stroke-width: 4px }
.story .life, .story .box { stroke: #818b98; fill: none }
.story .ask, .story .reply { stroke: #57606a; fill: none } .story .reply { stroke-dasharray: 5 4 }
.story .head { fill: #57606a } .story .frame { fill: none; stroke: #818b98; stroke-dasharray: 2 3 }
.story .good { fill: #116329 } .story .bad, .story .crash { fill: #a40e26; font-weight: 600 }
.story .start { fill: #57606a; font-style: italic } .story .name { font-weight: 600 }
`;

function element(tag, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text) made.textContent = text;
  return made;
}

/** The story as an SVG element, for the page, whose style colours it. */
export function drawn({ start, participants, messages, frames }) {
  const skipped = Math.max(0, messages.length - MOST_DRAWN);
  const xOf = (place) => LEFT + place * COLUMN;
  const wide = xOf(participants.length) + 60;
  const root = element("svg", { class: "story", role: "img", "aria-label": "Sequence of what was done" });
  const [lives, marks] = [element("g", {}), element("g", {})];
  root.append(lives, marks);
  let y = TITLES + 22;
  const note = (text, kind) => {
    marks.append(element("text", { class: kind, x: LEFT + 8, y: y + 12 }, text));
    if (kind === "crash") marks.append(element("text", { class: kind, x: LEFT - 6, y: y + 12 }, "✕"));
    y += NOTE;
  };
  if (start) {
    // It ends where the box of its history does, which is the first.
    const place = { x: xOf(1) + HALF, y: y + 4, "text-anchor": "end" };
    marks.append(element("text", { class: "start", ...place }, start.says));
    y += NOTE;
  }
  if (skipped) note(`The first ${skipped} messages are left out.`, "hint");
  const open = new Map();
  const ending = (place) => {
    for (const frame of frames) {
      if (frame.to !== place || (!open.has(frame) && frame.to > frame.from)) continue;
      if (frame.from === frame.to) {
        note(`${frame.name}: ${frame.crash || "refused"}`, frame.crash ? "crash" : "bad");
        continue;
      }
      if (frame.crash) note(frame.crash, "crash");
      const top = open.get(frame);
      open.delete(frame);
      const size = { x: 12, y: top, width: wide + 26, height: y - top - 4, rx: 6 };
      marks.prepend(element("rect", { class: "frame", ...size }));
      y += 8;
    }
  };
  for (let place = skipped; place < messages.length; place += 1) {
    ending(place);
    for (const frame of frames.filter(({ from, to }) => from === place && to > place)) {
      open.set(frame, y);
      marks.append(element("text", { class: "name", x: 20, y: y + 16 }, frame.name));
      y += NOTE;
    }
    const { to, says, outcome, answer } = messages[place];
    const x = xOf(participants.indexOf(to) + 1);
    const bad = outcome === "reject";
    marks.append(
      element("text", { x: LEFT + 10, y: y + 14 }, says),
      element("path", { class: "ask", d: `M${LEFT},${y + 20}H${x - 8}` }),
      element("path", { class: "head", d: `M${x},${y + 20}l-9,-4v8z` }),
      element("text", { class: bad ? "bad" : "good", x: LEFT + 10, y: y + 38 }, `${bad ? "✕" : "✓"} ${answer}`),
      element("path", { class: "reply", d: `M${x},${y + 44}H${LEFT + 8}` }),
      element("path", { class: "head", d: `M${LEFT},${y + 44}l9,-4v8z` }),
    );
    y += ROW;
  }
  ending(messages.length);
  y += 10;
  ["You", ...participants].forEach((name, place) => {
    const x = xOf(place);
    const half = place ? HALF : 40;
    const box = { x: x - half, y: 8, width: 2 * half, height: TITLES - 8, rx: 6 };
    lives.append(
      element("path", { class: "life", d: `M${x},${TITLES}V${y}` }),
      element("rect", { class: "box", ...box }),
      element("text", { class: "name", x, y: 26, "text-anchor": "middle" }, name),
    );
  });
  const size = { width: wide + 50, height: y + 6 };
  for (const [name, value] of Object.entries(size)) root.setAttribute(name, value);
  root.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  return root;
}

/** The story as the text of an SVG file with a style of its own. */
export function svgFile(told) {
  const root = drawn(told);
  root.prepend(element("style", {}, FILE_STYLE));
  root.setAttribute("xmlns", NAMESPACE);
  return `${new XMLSerializer().serializeToString(root)}\n`;
}
