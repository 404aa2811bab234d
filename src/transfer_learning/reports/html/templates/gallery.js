// The gallery: a page of cards at a time, of those photos that pass the filters.
const STATE = "#gallery?";
const form = part("filters");
const list = part("photos");
const controls = [...form.querySelectorAll("select")];
const pagers = [...document.querySelectorAll(".pager")];
// A card has 8 elements and 7 for each backbone; a page of the gallery has fewer than 1,000.
const PER_PAGE = Math.min(42, Math.max(12, Math.floor(960 / (8 + 7 * page.backbones.length))));
// Where no control is set: all photos, as the selected backbone sees them.
const neutral = new Map(controls.map((item) => [item, item.selectedIndex]));
const gallery = { matches: [], at: 0 };

// The first option of a control is no filter; class i is option i + 1.
const chosen = () => Object.fromEntries(controls.map((item) => [item.name, item.selectedIndex]));

function matching() {
  const { backbone, true: label, predicted: guess, result, agreement, order } = chosen();
  const fits = (photo) =>
    (!label || photo.true === label - 1) &&
    (!guess || predicted(photo, backbone) === guess - 1) &&
    (!result || right(photo, backbone) === (result === 1)) &&
    (!agreement || disagree(photo) === (agreement === 1));
  const sign = [0, -1, 1][order];
  const key = (photo) => sign * confidence(photo, backbone);
  return page.photos.filter(fits).sort((a, b) => key(a) - key(b));
}

const disagree = (photo) => photo.answers.some((answer) => answer[0] !== photo.answers[0][0]);

function card(photo) {
  const open = element("button", "open", picture(photo, `Open the photo of ${trueClass(photo)}`));
  open.type = "button";
  open.addEventListener("click", () => openPhoto(photo));
  const answers = page.backbones.map((backbone, i) => {
    const line = element("p", right(photo, i) ? "right" : "wrong");
    line.classList.toggle("chosen", i === chosen().backbone);
    line.append(
      element("span", "name", backbone),
      element("span", "", ...verdict(photo, i)),
      element("span", "confidence", percent(confidence(photo, i))),
    );
    return line;
  });
  const made = element("li", "", open, bdi(trueClass(photo), "true"), ...answers);
  made.append(fileName(photo));
  if (photo.credit) made.append(bdi(photo.credit, "file credit"));
  return made;
}

function show() {
  gallery.matches = matching();
  const { matches } = gallery;
  const pages = Math.max(1, Math.ceil(matches.length / PER_PAGE));
  gallery.at = Math.min(Math.max(gallery.at, 0), pages - 1);
  const start = gallery.at * PER_PAGE;
  list.replaceChildren(...matches.slice(start, start + PER_PAGE).map(card));
  const thousands = (number) => number.toLocaleString("en");
  part("shown").textContent = `${thousands(matches.length)} of ${thousands(page.photos.length)} photos`;
  part("none").hidden = matches.length > 0;
  part("download").disabled = matches.length === 0;
  for (const pager of pagers) {
    pager.hidden = pages === 1;
    pager.querySelector(".page").textContent = `Page ${gallery.at + 1} of ${pages}`;
    pager.querySelector(".back").disabled = gallery.at === 0;
    pager.querySelector(".on").disabled = gallery.at === pages - 1;
  }
  drawMap();
}

// Whoever has scrolled into the gallery stays in it, at its top, however few photos are left.
function stay() {
  const bar = document.querySelector(".bar").getBoundingClientRect();
  const top = list.getBoundingClientRect().top;
  if (top < bar.bottom) scrollBy({ top: top - bar.bottom - 16, behavior: "instant" });
}

function address(photo) {
  const changed = controls.filter((item) => item.selectedIndex !== neutral.get(item));
  const state = new URLSearchParams(changed.map((item) => [item.name, item.value]));
  if (gallery.at) state.set("page", gallery.at + 1);
  if (photo) state.set("photo", photo.id);
  // Without any it would stand for the view that is shown first.
  return STATE + (state.size ? state : "result=any");
}

const remember = (photo) => history.pushState({}, "", address(photo));

function applyFilters() {
  gallery.at = 0;
  show();
  stay();
  remember();
}

function clear() {
  for (const item of controls) item.selectedIndex = neutral.get(item);
}

function showAll() {
  clear();
  applyFilters();
  controls[0].focus({ preventScroll: true });
}

function turn(pages, below) {
  gallery.at += pages;
  show();
  stay();
  remember();
  if (below) list.querySelector("button").focus({ preventScroll: true });
}

// Set controls, page and photo as an address says; without a state the view that tells most.
function restore() {
  clear();
  const inAddress = location.hash.startsWith(STATE);
  const state = new URLSearchParams(inAddress ? location.hash.slice(STATE.length) : "");
  if (!inAddress && page.photos.some((photo) => !right(photo, page.selected))) {
    state.set("result", "wrong");
    state.set("order", "confident");
  }
  for (const item of controls) {
    const number = [...item.options].findIndex((option) => option.value === state.get(item.name));
    if (number >= 0) item.selectedIndex = number;
  }
  gallery.at = Number(state.get("page") ?? 1) - 1 || 0;
  show();
  showPhoto(found.get(state.get("photo")));
  return inAddress;
}

function goToGallery() {
  const heading = part("gallery-heading");
  heading.scrollIntoView();
  heading.focus({ preventScroll: true });
}

function csv(photos) {
  // Spreadsheets would run a cell that begins like a formula.
  const cell = (value) => `"${String(value).replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const header = page.backbones.flatMap((item) => [`${item} predicted`, `${item} probability`]);
  const rows = photos.map((photo) => [
    photo.id,
    trueClass(photo),
    ...page.backbones.flatMap((_, i) => [
      page.classes[predicted(photo, i)],
      (confidence(photo, i) / 1000).toFixed(3),
    ]),
  ]);
  return [["id", "true", ...header], ...rows].map((row) => row.map(cell).join() + "\r\n").join("");
}

function download() {
  const link = element("a");
  // The mark by which spreadsheets know UTF-8.
  const file = new Blob(["\ufeff", csv(gallery.matches)], { type: "text/csv" });
  link.href = URL.createObjectURL(file);
  link.download = "photos.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function startGallery() {
  form.addEventListener("change", applyFilters);
  form.addEventListener("submit", (event) => event.preventDefault());
  part("show-all").addEventListener("click", showAll);
  part("none-show-all").addEventListener("click", showAll);
  part("download").addEventListener("click", download);
  pagers.forEach((pager, below) => {
    pager.querySelector(".back").addEventListener("click", () => turn(-1, below));
    pager.querySelector(".on").addEventListener("click", () => turn(1, below));
  });
  for (const link of document.querySelectorAll("a[data-filter]")) {
    link.href = STATE + link.dataset.filter;
  }
  // Back finds a state that was pushed here; an address typed or linked has none, and is gone to.
  addEventListener("popstate", (event) => {
    if (restore() && !event.state) goToGallery();
  });
  history.replaceState({}, "");
  part("controls").hidden = false;
  if (restore() && !part("photo").open) goToGallery();
}
