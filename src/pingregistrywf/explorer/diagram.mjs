// The diagrams, live: where a history stands, and what is legal there.
//
// The drawing itself is generated; data attributes say what its states and arrows are.  A click on
// an arrow sends its command; for the keyboard, the same commands are buttons.

import { byId } from "./dom.mjs";

const SVG = "http://www.w3.org/2000/svg";

/** Call `tell(command)` when an arrow is clicked; called once. */
export function listen(tell) {
  for (const arrow of document.querySelectorAll(".drawing .arrow[data-command]")) {
    // An arrow is a thin thing to point at: an unseen, wider one lies over it.
    const wide = document.createElementNS(SVG, "path");
    wide.setAttribute("class", "wide");
    wide.setAttribute("d", arrow.querySelector(".line").getAttribute("d"));
    arrow.prepend(wide);
    arrow.addEventListener("click", ({ target }) => {
      const word = target.closest("[data-command]").dataset.command;
      const lit = arrow.querySelector(".command.lit");
      tell(word.includes(" ") ? (lit?.dataset.command ?? word.split(" ")[0]) : word);
    });
  }
}

/** Show a chart's diagram with its current state, and the arrows of the commands legal there. */
export function show(chart, state, legal) {
  for (const drawing of document.querySelectorAll(".drawing")) {
    drawing.hidden = drawing.dataset.of !== chart;
    if (drawing.hidden) continue;
    for (const box of drawing.querySelectorAll("[data-state]")) {
      box.classList.toggle("current", box.dataset.state === state);
    }
    for (const arrow of drawing.querySelectorAll("[data-source]")) {
      const leaves = arrow.dataset.source === state;
      const lit = (command) => leaves && legal.get(command) === arrow.dataset.outcome;
      arrow.classList.toggle("lit", arrow.dataset.command.split(" ").some(lit));
      for (const word of arrow.querySelectorAll(".command")) {
        word.classList.toggle("lit", lit(word.dataset.command));
      }
    }
  }
  bringIntoView(byId("scroller"));
}

/** On a narrow screen, the current state may be out of sight. */
function bringIntoView(scroller) {
  const current = scroller.querySelector(".drawing:not([hidden]) .current");
  if (!current || scroller.scrollWidth <= scroller.clientWidth) return;
  const [box, frame] = [current.getBoundingClientRect(), scroller.getBoundingClientRect()];
  const left = box.left + box.width / 2 - frame.left - frame.width / 2;
  scroller.scrollBy({ left });
}
