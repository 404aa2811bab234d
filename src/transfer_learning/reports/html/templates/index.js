"use strict";
// Without this script the page shows every photo and hides the filters.
{
  const STATE = "#gallery?";
  const form = document.getElementById("filters");
  const list = document.getElementById("photos");
  const shown = document.getElementById("shown");
  const controls = [...form.querySelectorAll("select")];
  const numbers = (text) => text.split(" ").map(Number);
  const photos = [...list.children].map((element) => ({
    element,
    answers: [...element.querySelectorAll(".right, .wrong")],
    true: Number(element.dataset.true),
    predicted: numbers(element.dataset.predicted),
    confidence: numbers(element.dataset.confidence),
  }));

  function show() {
    // The first option of a control is no filter; class i is option i + 1.
    const chosen = Object.fromEntries(controls.map((item) => [item.name, item.selectedIndex]));
    const fits = (photo) => {
      const predicted = photo.predicted[chosen.backbone];
      const right = predicted === photo.true;
      const disagree = photo.predicted.some((item) => item !== predicted);
      return (
        (!chosen.true || photo.true === chosen.true - 1) &&
        (!chosen.predicted || predicted === chosen.predicted - 1) &&
        (!chosen.result || right === (chosen.result === 1)) &&
        (!chosen.agreement || disagree === (chosen.agreement === 1))
      );
    };
    const sign = [0, -1, 1][chosen.order];
    const confidence = (photo) => sign * photo.confidence[chosen.backbone];
    const sorted = [...photos].sort((a, b) => confidence(a) - confidence(b));
    let count = 0;
    for (const photo of photos) {
      photo.element.hidden = !fits(photo);
      count += !photo.element.hidden;
      photo.answers.forEach((item, i) => item.classList.toggle("chosen", i === chosen.backbone));
    }
    list.append(...sorted.map((photo) => photo.element));
    shown.textContent = `${count} of ${photos.length} photos`;
  }

  function writeState() {
    const changed = controls.filter((item) => item.selectedIndex);
    const state = new URLSearchParams(changed.map((item) => [item.name, item.value]));
    history.replaceState(null, "", changed.length ? STATE + state : "#gallery");
  }

  function readState() {
    if (!location.hash.startsWith(STATE)) return;
    const state = new URLSearchParams(location.hash.slice(STATE.length));
    for (const item of controls) {
      item.value = state.get(item.name);
      item.selectedIndex = Math.max(item.selectedIndex, 0);
    }
    show();
    const heading = document.getElementById("gallery-heading");
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  }

  form.addEventListener("change", () => {
    show();
    writeState();
  });
  document.getElementById("show-all").addEventListener("click", () => {
    form.reset();
    show();
    writeState();
  });
  for (const link of document.querySelectorAll("a[data-filter]")) {
    link.href = STATE + link.dataset.filter;
  }
  addEventListener("hashchange", readState);
  form.hidden = false;
  show();
  readState();
}
