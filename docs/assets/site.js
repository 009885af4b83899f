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
