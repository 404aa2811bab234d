// The photos that a person ticks, as the lines of data/exclude.csv.
const quality = part("quality");
const boxes = [...quality.querySelectorAll("input[type=checkbox]")];
const ticked = part("ticked");
const kept = JSON.parse(quality.dataset.kept);
const asked = new Map(kept.map((line) => [line[0], line]));

function excluded() {
  // Only what needs quotes has them, so that a person can read and edit the file.
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [["id", "action", "label", "reason"], ...asked.values()];
  return lines.map((line) => line.map(cell).join() + "\n").join("");
}

function showTicks() {
  // A photo may stand in several findings: its boxes agree, and ask for one thing.
  for (const box of boxes) {
    const line = asked.get(box.dataset.id);
    box.checked = Boolean(line) && line[1] === box.dataset.action && line[2] === box.dataset.label;
  }
  ticked.querySelector("[role=status]").textContent =
    asked.size === 1 ? "1 photo is listed" : `${asked.size} photos are listed`;
  // In the way where nothing is ticked; with lines in force, all may be unticked and saved.
  ticked.hidden = asked.size === 0 && kept.length === 0;
}

function startQuality() {
  for (const box of boxes) {
    box.closest("label").hidden = false;
    box.addEventListener("change", () => {
      const { id, action, label, reason } = box.dataset;
      if (box.checked) asked.set(id, [id, action, label, reason]);
      else asked.delete(id);
      showTicks();
    });
  }
  ticked.querySelector("button").addEventListener("click", () => {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([excluded()], { type: "text/csv" }));
    link.download = "exclude.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  showTicks();
}
