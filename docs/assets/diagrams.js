// Drawings in full screen: they scroll both ways there, and can be made larger and smaller.

const STEP = 1.25;
const [SMALLEST, LARGEST] = [0.4, 4];

document$.subscribe(() => {
  const frames = document.querySelectorAll(".diagram");
  if (frames.length) frames.forEach(offer.bind(null, dialog()));
});

/** A button below a drawing that shows it in full screen. */
function offer({ open }, frame) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "diagram-open";
  button.textContent = "Full screen";
  button.setAttribute("aria-label", `Full screen: ${frame.getAttribute("aria-label")}`);
  button.addEventListener("click", () => open(frame));
  frame.after(button);
}

/** The one dialog of a page: it borrows the drawing that it shows from its frame. */
function dialog() {
  const large = document.createElement("dialog");
  large.className = "drawn-large";
  large.innerHTML = `<p>
      <button type="button">Smaller</button>
      <button type="button">Larger</button>
      <button type="button" autofocus>Close</button>
    </p>
    <div tabindex="0" role="region"></div>`;
  document.body.append(large);
  const [smaller, larger, close] = large.querySelectorAll("button");
  const room = large.querySelector("div");
  let [home, scale] = [null, 1];
  const show = (wanted) => {
    scale = Math.min(Math.max(wanted, SMALLEST), LARGEST);
    const drawing = room.firstElementChild;
    drawing.style.width = `${drawing.viewBox.baseVal.width * scale}px`;
    smaller.setAttribute("aria-disabled", scale === SMALLEST);
    larger.setAttribute("aria-disabled", scale === LARGEST);
  };
  smaller.addEventListener("click", () => show(scale / STEP));
  larger.addEventListener("click", () => show(scale * STEP));
  close.addEventListener("click", () => large.close());
  large.addEventListener("close", () => {
    const drawing = room.firstElementChild;
    drawing.style.width = "";
    home.append(drawing);
  });
  return {
    open(frame) {
      home = frame;
      const label = frame.getAttribute("aria-label");
      large.setAttribute("aria-label", `${label}, full screen`);
      room.setAttribute("aria-label", `${label}, scrollable`);
      room.replaceChildren(frame.querySelector("svg"));
      large.showModal();
      const { width, height } = room.firstElementChild.viewBox.baseVal;
      // All of it, where its letters stay as large as they are on the page.
      show(Math.max(1, Math.min(room.clientWidth / width, room.clientHeight / height, 2)));
      room.scrollTo((room.scrollWidth - room.clientWidth) / 2, 0);
    },
  };
}
