// The detail view of a photo: whole, with all that is known of it.
const dialog = part("photo");
const VIEWS = [
  ["whole", "the whole photo", "Enlarged from the small picture that this page holds."],
  ["squashed", "as the networks get it", "Squashed to a square, whatever its shape."],
];
// Told from black by everyone, and by its light alone.
const ORANGE = [255, 165, 20];
let opened = null;

function openPhoto(photo) {
  showPhoto(photo);
  remember(photo);
}

// Show a photo, or none where it is undefined; the address stays.
function showPhoto(photo) {
  opened = photo ?? null;
  if (!photo) return dialog.close();
  const title = part("photo-title");
  title.replaceChildren(bdi(trueClass(photo)));
  part("photo-picture").src = picture(photo).src;
  part("photo-picture").alt = `Photo of class ${trueClass(photo)}`;
  showViews(photo);
  part("photo-facts").replaceChildren(...facts(photo).flatMap(([key, text]) =>
    text ? [element("div", "", element("dt", "", key), element("dd", "", text))] : [],
  ));
  part("photo-answers").replaceChildren(...(photo.answers ?? []).map((_, i) => answer(photo, i)));
  showNear(photo);
  const others = neighboursInList(photo);
  part("photo-back").disabled = !others[0];
  part("photo-on").disabled = !others[1];
  if (!dialog.open) dialog.showModal();
  title.focus();
}

const facts = (photo) => [
  ["File", fileName(photo)],
  ["Size", `${photo.width} × ${photo.height} pixels`],
  ["Split", photo.split],
  ["Credit", photo.credit && bdi(photo.credit)],
];

// All probabilities of one backbone that are not 0.0 %, as a table with bars.
function answer(photo, backbone) {
  const pairs = photo.answers[backbone];
  const table = element("table", "answer");
  const caption = element("caption", right(photo, backbone) ? "right" : "wrong");
  caption.append(element("span", "name", page.backbones[backbone]), " ", ...verdict(photo, backbone));
  const body = element("tbody");
  for (let i = 0; i < pairs.length; i += 2) {
    const bar = element("span", "share");
    bar.style.width = `${pairs[i + 1] / 10}%`;
    const label = element("th", "", bdi(page.classes[pairs[i]]));
    label.scope = "row";
    label.classList.toggle("chosen", pairs[i] === photo.true);
    body.append(element("tr", "", label, element("td", "", bar), element("td", "", percent(pairs[i + 1]))));
  }
  table.append(caption, body);
  return table;
}

function showViews(photo) {
  const looked = Object.keys(photo.looked ?? {}).map((i) => [
    i,
    `where ${page.backbones[i]} looked`,
    lookedNote(photo, i),
  ]);
  const select = part("photo-view");
  const options = [...VIEWS, ...looked].map(([value, text, note]) => {
    const option = element("option", "", text);
    option.value = value;
    option.dataset.note = note;
    return option;
  });
  const before = select.value;
  select.replaceChildren(...options);
  select.value = options.some((option) => option.value === before) ? before : "whole";
  applyView();
}

function lookedNote(photo, backbone) {
  const guess = page.classes[predicted(photo, backbone)];
  return (
    `The more orange a part, the more it speaks for ${guess} rather than for ${trueClass(photo)} ` +
    "(class activation map: the head’s weights on the last feature map)."
  );
}

function applyView() {
  const select = part("photo-view");
  part("photo-view-note").textContent = select.selectedOptions[0].dataset.note;
  const image = part("photo-picture");
  const cells = opened.looked?.[select.value];
  part("photo-looked").hidden = !cells;
  // As large as there is room, in its own proportions or in a network's.
  const shape = select.value === "whole" ? opened.width / opened.height : 1;
  image.style.aspectRatio = shape;
  image.style.width = `min(100%, ${shape} * min(24rem, 50vh))`;
  if (cells) drawLooked(cells);
}

// Digits 0 to 9, row by row of a square: how much each part of the photo counts.
function drawLooked(cells) {
  const side = Math.sqrt(cells.length);
  const canvas = part("photo-looked");
  canvas.width = canvas.height = side;
  const pixels = new ImageData(side, side);
  [...cells].forEach((digit, i) => {
    pixels.data.set([...ORANGE.map((value) => (value * digit) / 9), 140], 4 * i);
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function showNear(photo) {
  const near = photo.near ?? [];
  const selected = page.backbones[page.selected];
  part("photo-near-note").textContent = near.length
    ? `By the features of ${selected}: the closer to 1, the more alike.`
    : photo.split === "test"
      ? "Left out for this photo, to keep the page small."
      : "Shown for test photos.";
  part("photo-near").replaceChildren(...near.map(([number, cosine]) => {
    const other = page.training[number];
    const button = element("button", "open", picture(other, `Open the training photo of ${trueClass(other)}`));
    button.type = "button";
    button.addEventListener("click", () => openPhoto(other));
    const label = element("p", other.true === photo.true ? "" : "wrong", bdi(trueClass(other)));
    return element("li", "", button, label, element("p", "file", cosine.toFixed(2)));
  }));
}

// The photos before and after it, in the gallery's list or else in the data set.
function neighboursInList(photo) {
  const photos = gallery.matches.includes(photo) ? gallery.matches : page.photos;
  const at = photos.indexOf(photo);
  return at < 0 ? [] : [photos[at - 1], photos[at + 1]];
}

function step(next) {
  const other = opened && neighboursInList(opened)[next];
  if (!other) return;
  showPhoto(other);
  history.replaceState({}, "", address(other));
}

function startDetail() {
  part("photo-view").addEventListener("change", applyView);
  part("photo-close").addEventListener("click", () => dialog.close());
  part("photo-back").addEventListener("click", () => step(0));
  part("photo-on").addEventListener("click", () => step(1));
  dialog.addEventListener("keydown", (event) => {
    const next = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
    if (next >= 0 && event.target.tagName !== "SELECT") step(next);
  });
  // A click beside it, on the backdrop, closes it as Escape does.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    if (opened) history.replaceState({}, "", address());
    opened = null;
  });
}
