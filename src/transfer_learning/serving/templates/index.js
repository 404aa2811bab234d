// Sends photos one by one to predict, and shows each answer beside its photo.

const SHOWN = 5; // classes of an answer
const AT_ONCE = 3; // requests: one photo on its way while others are computed
const TRIES = 5;

const form = document.getElementById("form");
const answers = document.getElementById("answers");
const clear = document.getElementById("clear");
const state = document.getElementById("status");
const waiting = [];
let running = 0;
let done = 0;
let all = 0;
// Another one after each "Clear": answers to what was cleared are dropped.
let page = {};

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function tell() {
  const photos = `${all} ${all === 1 ? "photo" : "photos"}`;
  state.textContent = all === 0 ? "" : done < all ? `${done} of ${photos} done` : `${photos} done`;
  clear.hidden = all === 0;
}

function card(file) {
  const item = document.getElementById("answer").content.cloneNode(true).firstElementChild;
  const picture = item.querySelector("img");
  picture.src = URL.createObjectURL(file);
  // A browser does not show all that the server reads, such as TIFF.
  picture.addEventListener("error", () => {
    URL.revokeObjectURL(picture.src);
    const instead = document.createElement("p");
    instead.className = "no-preview";
    instead.textContent = "No preview";
    picture.replaceWith(instead);
  });
  picture.alt = `Photo ${file.name}`;
  item.querySelector(".file").textContent = file.name;
  return item;
}

function show(item, answer) {
  const heading = item.querySelector("h2");
  heading.textContent = answer.label;
  if (!answer.sure) {
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = "unsure";
    heading.append(" ", tag);
    item.classList.add("unsure");
  }
  const list = item.querySelector(".bars");
  for (const [name, share] of Object.entries(answer.probabilities)) {
    const line = document.getElementById("bar").content.cloneNode(true);
    line.querySelector(".name").textContent = name;
    line.querySelector(".percent").textContent = percent(share);
    line.querySelector(".bar span").style.width = `${100 * share}%`;
    list.append(line);
  }
  const more = Number(form.dataset.classes) - list.children.length;
  if (more > 0) {
    const rest = document.createElement("p");
    rest.className = "note";
    rest.textContent = `and ${more} more ${more === 1 ? "class" : "classes"}`;
    list.after(rest);
  }
}

function refuse(item, reason) {
  item.classList.add("refused");
  item.querySelector("h2").textContent = "No answer";
  const line = document.createElement("p");
  line.textContent = reason;
  item.querySelector(".bars").replaceWith(line);
}

async function ask(file) {
  if (file.size > Number(form.dataset.bytes)) {
    throw new Error(`the photo has more than ${form.dataset.megabytes} MB`);
  }
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(`predict?top=${SHOWN}`, {
        method: "POST",
        // Without its name, and with no type to take it for anything but bytes.
        body: await file.arrayBuffer(),
        headers: { "Content-Type": "application/octet-stream" },
      });
    } catch {
      throw new Error("the file cannot be read, or the server does not answer");
    }
    if (response.status !== 503 || tries === TRIES) {
      const body = await response.json().catch(() => ({}));
      if (!response.ok) {
        throw new Error(body.error ?? `the server failed (${response.status})`);
      }
      return body.predictions[0];
    }
    const seconds = Number(response.headers.get("Retry-After") ?? 1);
    await new Promise((resume) => setTimeout(resume, 1000 * seconds));
  }
}

async function work() {
  running += 1;
  for (let job = waiting.shift(); job; job = waiting.shift()) {
    const { file, item, on } = job;
    try {
      show(item, await ask(file));
    } catch (error) {
      refuse(item, error.message);
    }
    item.removeAttribute("aria-busy");
    if (on === page) {
      done += 1;
      tell();
    }
  }
  running -= 1;
}

function add(files) {
  const items = [...files].map((file) => ({ file, item: card(file), on: page }));
  // The newest above, in their own order.
  answers.prepend(...items.map(({ item }) => item));
  waiting.push(...items);
  all += items.length;
  tell();
  while (running < AT_ONCE && waiting.length > 0) {
    work();
  }
}

for (const input of form.querySelectorAll("input")) {
  input.addEventListener("change", () => {
    add(input.files);
    // So that the same file can be chosen again.
    input.value = "";
  });
}
document.addEventListener("paste", (event) => add(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) {
    document.body.classList.remove("dropping");
  }
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  add(event.dataTransfer.files);
});
clear.addEventListener("click", () => {
  for (const picture of answers.querySelectorAll("img[src]")) {
    URL.revokeObjectURL(picture.src);
  }
  answers.replaceChildren();
  waiting.length = 0;
  [all, done, page] = [0, 0, {}];
  tell();
  document.getElementById("files").focus();
});
