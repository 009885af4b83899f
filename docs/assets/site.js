// The explorer shows the colours that the site shows, wherever it is opened.
const EXPLORER = "/explorer/index.html";

const scheme = () => (document.body.dataset.mdColorScheme === "slate" ? "dark" : "light");

document.addEventListener("click", ({ target }) => {
  const link = target.closest("a[href]");
  if (!link?.pathname?.endsWith(EXPLORER)) return;
  link.search = `?scheme=${scheme()}`;
  const frame = document.querySelector("iframe.explorer");
  if (!frame) return;
  try {
    link.hash = frame.contentWindow.location.hash;
  } catch {
    // Pages on a disk may not look into each other: the explorer then opens anew.
  }
});

document$.subscribe(() => {
  const frame = document.querySelector("iframe.explorer");
  if (!frame) return;
  // What follows the sharp is for the explorer, unless it is a place of this page.
  const own = document.getElementById(window.location.hash.slice(1));
  frame.src = `${frame.dataset.src}?scheme=${scheme()}${own ? "" : window.location.hash}`;
  const tell = () => frame.contentWindow.postMessage({ scheme: scheme() }, "*");
  frame.addEventListener("load", tell);
  new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
});

// What the theme leaves out for those who use a keyboard or a screen reader.
document$.subscribe(() => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  // Parts of a table of contents are lists, not landmarks of their own.
  document.querySelectorAll(".md-nav--secondary nav").forEach(unmark);
  const article = document.querySelector("article");
  article.querySelectorAll(".md-code__nav").forEach(unmark);
  // The buttons of a block of code come when it is first seen.
  new MutationObserver(() => article.querySelectorAll(".md-code__nav").forEach(unmark)).observe(
    article,
    { childList: true, subtree: true },
  );
  // What scrolls sideways can be reached and scrolled by the keyboard.
  article.querySelectorAll(".md-typeset__scrollwrap").forEach((frame, number) => {
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", `Table ${number + 1}`);
  });
});

function unmark(landmark) {
  landmark.removeAttribute("aria-label");
  landmark.setAttribute("role", "none");
}
