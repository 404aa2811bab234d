// A figure that a narrow screen shows a part of is scrolled by keyboard too; others are no stops.
function stopAtWideFigures() {
  for (const box of document.querySelectorAll(".picture")) {
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  }
}
