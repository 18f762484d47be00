// <object-try data-solution="...">: your own image, its answer, and where in the picture it is.
const COLOURS = ["#0a7370", "#c04a12", "#2c66a5", "#8f3f97", "#8a6603", "#b0316b", "#3f7d2c"];

customElements.define("object-try", class extends HTMLElement {
  connectedCallback() {
    const input = document.createElement("input"), button = document.createElement("button");
    input.type = "file"; input.accept = "image/*"; input.hidden = true;
    input.setAttribute("aria-label", "your own image");
    button.className = "button"; button.type = "button"; button.textContent = "Try your own image";
    button.onclick = () => input.click();
    input.onchange = () => input.files[0] && this.ask(input.files[0]);
    this.canvas = document.createElement("canvas"); this.canvas.hidden = true;
    this.said = document.createElement("div"); this.said.setAttribute("aria-live", "polite");
    this.append(button, input, this.canvas, this.said);
    this.addEventListener("dragover", e => e.preventDefault());
    this.addEventListener("drop", e => { e.preventDefault(); e.dataTransfer.files[0] && this.ask(e.dataTransfer.files[0]); });
  }
  async ask(file) {
    this.said.textContent = "...";
    const form = new FormData();
    form.set("image", file); form.set("solution", this.dataset.solution);
    try {
      const reply = await fetch("/api/v1/predict", { method: "POST", body: form }), told = await reply.json();
      if (!reply.ok) { this.canvas.hidden = true; return this.tell("verdict bad", told.detail); }
      await this.draw(file, told);
      this.show(told);
    } catch { this.tell("verdict bad", "The server cannot be reached."); }
  }
  tell(kind, words) { this.said.replaceChildren(Object.assign(document.createElement("p"), { className: kind, textContent: words })); }
  async draw(file, told) {
    let picture;
    try { picture = await createImageBitmap(file); } catch { this.canvas.hidden = true; return; }  // a format that browsers do not know
    const scale = Math.min(1, 720 / picture.width), pen = this.canvas.getContext("2d");
    this.canvas.width = picture.width * scale; this.canvas.height = picture.height * scale;
    this.canvas.hidden = false;
    pen.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    const names = [...new Set(told.answer.labels ?? [])], by = this.canvas.width / told.size[1];
    (told.answer.boxes ?? []).forEach(([x1, y1, x2, y2], k) => {
      pen.strokeStyle = pen.fillStyle = COLOURS[names.indexOf(told.answer.labels[k]) % COLOURS.length];
      pen.lineWidth = 2; pen.font = "600 13px system-ui";
      pen.strokeRect(x1 * by, y1 * by, (x2 - x1) * by, (y2 - y1) * by);
      pen.fillText(`${told.answer.labels[k]} ${told.answer.scores[k].toFixed(2)}`, x1 * by + 3, Math.max(12, y1 * by - 4));
    });
  }
  show(told) {
    const answer = told.answer, parts = [];
    const line = (kind, words, element = "p") => parts.push(Object.assign(document.createElement(element), { className: kind, textContent: words }));
    const head = Array.isArray(answer.label) ? answer.label.join(", ") || "none of the classes" : answer.label ?? (answer.boxes ? `${answer.boxes.length} found` : null);
    if (head !== null && head !== undefined) line("", head, "h3");
    if (answer.act && answer.act !== "answer") line("verdict warn", `${answer.act}: ${answer.why}`);
    const table = answer.shares ?? (Array.isArray(answer.scores) ? null : answer.scores);
    if (table) parts.push(this.bars(table));
    if (!table && !answer.boxes) line("", JSON.stringify(answer, null, 1), "pre");
    line("note", `${told.size[1]} × ${told.size[0]} pixels, answered in ${told.milliseconds.toFixed(0)} ms`);
    this.said.replaceChildren(...parts);
  }
  bars(scores) {
    const table = document.createElement("table");
    for (const [name, value] of Object.entries(scores).sort((a, b) => b[1] - a[1]).slice(0, 8)) {
      const row = table.insertRow(), bar = document.createElement("div"), fill = document.createElement("span");
      row.insertCell().textContent = name;
      fill.style.width = `${100 * value}%`; bar.className = "bar"; bar.append(fill);
      row.insertCell().append(bar);
      const number = row.insertCell(); number.className = "number"; number.textContent = value.toFixed(3);
    }
    return table;
  }
});
