// What the parts of the script share.  Names in the data are anyone's: they become text, not HTML.
const page = JSON.parse(document.getElementById("photos-data").textContent);
page.photos.forEach((photo) => (photo.split = "test"));
page.training.forEach((photo) => (photo.split = "training"));
const found = new Map([...page.photos, ...page.training].map((photo) => [photo.id, photo]));
const part = (id) => document.getElementById(id);

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function picture(photo, alt = "") {
  const image = element("img");
  image.src = `data:image/webp;base64,${photo.picture}`;
  image.alt = alt;
  image.decoding = "async";
  return image;
}

// Class and file names may be of any script: each is laid out by itself.
const bdi = (text, className) => element("bdi", className, text);
// Folder and file apart: else 4.jpg of an Arabic folder would read as jpg.4.
function fileName(photo) {
  const end = photo.id.lastIndexOf("/") + 1;
  return element("span", "file", bdi(photo.id.slice(0, end)), bdi(photo.id.slice(end)));
}
const trueClass = (photo) => page.classes[photo.true];
const percent = (perMille) => `${(perMille / 10).toFixed(1)} %`;
// An answer is [class, per mille, class, per mille, …], the predicted class first.
const predicted = (photo, backbone) => photo.answers[backbone][0];
const confidence = (photo, backbone) => photo.answers[backbone][1];
const right = (photo, backbone) => predicted(photo, backbone) === photo.true;

// "✓ right", for eyes, ears and where colours do not tell.
function verdict(photo, backbone) {
  const mark = element("span", "", right(photo, backbone) ? "✓" : "✗");
  mark.setAttribute("aria-hidden", "true");
  const spoken = element("span", "spoken", right(photo, backbone) ? "right: " : "wrong: ");
  return [mark, spoken, " ", bdi(page.classes[predicted(photo, backbone)])];
}
