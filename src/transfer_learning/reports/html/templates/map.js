// The map: test photos and some training photos on a plane, a mark for each class.
const map = { canvas: part("map-canvas"), points: [], at: null };
const MARGIN = 14;
const NEAR = 24; // Pixels from which on a pointer means no photo.
// Okabe and Ito 2008: told apart by the colour-blind.  Their black is left out for dark pages.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b8a900"];
// As many shapes as make a mark of its own for 35 classes; unit paths around the middle.
const SHAPES = [
  "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z",
  "M-.9-.9H.9V.9H-.9Z",
  "M0-1.15L1.1.85H-1.1Z",
  "M0-1.25L1.05 0L0 1.25L-1.05 0Z",
  "M-.4-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
];
const MARKED = COLOURS.length * SHAPES.length;
const colour = (label) => COLOURS[label % COLOURS.length];
const shape = (label) => SHAPES[Math.floor(label / COLOURS.length) % SHAPES.length];
const PATHS = new Map(SHAPES.map((text) => [text, new Path2D(text)]));

function placed() {
  return [...page.training, ...page.photos].filter((photo) => photo.place);
}

// Pixels of a place, whose steps are 0 to 1000, on a canvas of that side.
function onCanvas(photo, side) {
  const scale = (side - 2 * MARGIN) / 1000;
  return [MARGIN + photo.place[0] * scale, side - MARGIN - photo.place[1] * scale];
}

function drawMap() {
  const { canvas } = map;
  const side = canvas.clientWidth;
  if (!side) return;
  canvas.width = canvas.height = side * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas);
  const shown = part("map-class").selectedIndex - 1;
  const { backbone } = chosen();
  map.points = placed().map((photo) => ({ photo, spot: onCanvas(photo, side) }));
  for (const { photo, spot } of map.points) {
    context.globalAlpha = shown >= 0 && photo.true !== shown ? 0.12 : photo.answers ? 0.95 : 0.45;
    mark(context, spot, photo.true, photo.answers ? 5 : 3);
    if (photo.answers && !right(photo, backbone)) ring(context, spot, 8, 2, style.color);
  }
  context.globalAlpha = 1;
  const current = map.points.find(({ photo }) => photo === map.at);
  if (current) {
    mark(context, current.spot, current.photo.true, 8);
    ring(context, current.spot, 12, 3, style.color);
  }
}

function mark(context, [x, y], label, size) {
  context.save();
  context.translate(x, y);
  context.scale(size, size);
  context.fillStyle = colour(label);
  context.fill(PATHS.get(shape(label)));
  context.restore();
}

function ring(context, [x, y], radius, width, ink) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = width;
  context.strokeStyle = ink;
  context.stroke();
}

function point(photo) {
  if (!photo || photo === map.at) return;
  map.at = photo;
  const lines = [element("p", "true", bdi(trueClass(photo)))];
  const { backbone } = chosen();
  if (photo.answers) {
    const line = element("p", right(photo, backbone) ? "right" : "wrong");
    line.append(...verdict(photo, backbone), ` ${percent(confidence(photo, backbone))}`);
    lines.push(line);
  }
  lines.push(element("p", "file", `${photo.split}: `, fileName(photo)));
  part("map-shown").replaceChildren(picture(photo), ...lines);
  drawMap();
}

function nearest(x, y) {
  const distance = ({ spot }) => Math.hypot(spot[0] - x, spot[1] - y);
  const closest = map.points.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return distance(closest) <= NEAR ? closest.photo : null;
}

// The closest photo that lies more in the arrow's direction than aside.
function towards([right, up]) {
  const from = map.points.find(({ photo }) => photo === map.at)?.spot;
  if (!from) return map.points.at(-1).photo;
  const ahead = map.points.flatMap(({ photo, spot }) => {
    const [x, y] = [spot[0] - from[0], from[1] - spot[1]];
    const [along, aside] = [x * right + y * up, Math.abs(x * up) + Math.abs(y * right)];
    return along > 0 && aside <= along ? [{ photo, far: along + 2 * aside }] : [];
  });
  return ahead.sort((a, b) => a.far - b.far)[0]?.photo;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function onMapKey(event) {
  if (ARROWS[event.key]) point(towards(ARROWS[event.key]));
  else if (event.key === "Enter" && map.at) openPhoto(map.at);
  else return;
  event.preventDefault();
}

function legend() {
  if (page.classes.length > MARKED) return [];
  return page.classes.map((text, label) => {
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    swatch.setAttribute("viewBox", "-1.3 -1.3 2.6 2.6");
    swatch.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shape(label));
    path.setAttribute("fill", colour(label));
    swatch.append(path);
    return element("li", "", swatch, bdi(text));
  });
}

function startMap() {
  const { canvas } = map;
  part("map-parts").hidden = false;
  part("map-legend").replaceChildren(...legend());
  canvas.addEventListener("pointermove", (event) => {
    const photo = nearest(event.offsetX, event.offsetY);
    canvas.classList.toggle("pointing", Boolean(photo));
    point(photo);
  });
  canvas.addEventListener("click", (event) => {
    const photo = nearest(event.offsetX, event.offsetY);
    point(photo);
    if (photo) openPhoto(photo);
  });
  canvas.addEventListener("keydown", onMapKey);
  canvas.addEventListener("focus", () => point(map.at ?? gallery.matches.find((item) => item.place)));
  part("map-class").addEventListener("change", drawMap);
  new ResizeObserver(drawMap).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
}
