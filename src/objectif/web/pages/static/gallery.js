// <object-gallery data-key="..." data-label="...">: thousands of thumbnails of which only those in view exist.
// The list of images comes at once (a name and a number each); cells are placed by arithmetic, so the scroll bar is true
// from the start and jumping anywhere costs one screenful.
const GAP = 5, WANTED = 138, TEXT = 34;

customElements.define("object-gallery", class extends HTMLElement {
  connectedCallback() {
    this.tabIndex = 0;
    this.setAttribute("role", "list");
    this.room = document.createElement("div");
    this.append(this.room);
    this.cells = new Map();
    this.samples = [];
    this.addEventListener("scroll", () => this.soon());
    this.watch = new ResizeObserver(() => this.fresh());
    this.watch.observe(this);
    this.load();
  }
  disconnectedCallback() { this.watch?.disconnect(); }
  static observedAttributes = ["data-label"];
  attributeChangedCallback() { if (this.room) this.load(); }

  async load() {
    const query = new URLSearchParams({ limit: 20000 });
    if (this.dataset.label) query.set("label", this.dataset.label);
    const reply = await fetch(`/api/v1/data/${encodeURIComponent(this.dataset.key)}/samples?${query}`);
    const told = await reply.json();
    if (!reply.ok) { this.room.textContent = told.detail; return; }
    this.samples = told.samples;
    this.setAttribute("aria-label", `${told.total} images`);
    this.scrollTop = 0;
    this.fresh();
  }
  fresh() {
    this.cells.forEach(cell => cell.remove());
    this.cells.clear();
    const width = this.clientWidth - 2 * GAP;
    this.columns = Math.max(2, Math.floor(width / WANTED));
    this.side = Math.floor(width / this.columns);
    this.tall = this.side + TEXT;
    this.room.style.height = `${Math.ceil(this.samples.length / this.columns) * this.tall + 2 * GAP}px`;
    this.draw();
  }
  soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }
  draw() {
    const first = Math.max(0, Math.floor(this.scrollTop / this.tall) - 2) * this.columns;
    const last = Math.min(this.samples.length, Math.ceil((this.scrollTop + this.clientHeight) / this.tall + 2) * this.columns);
    for (const [k, cell] of this.cells) if (k < first || k >= last) {
      cell.querySelector("img").src = "data:,";  // what is out of view need not be loaded
      cell.remove(); this.cells.delete(k);
    }
    for (let k = first; k < last; k++) if (!this.cells.has(k)) this.place(k);
  }
  place(k) {
    const sample = this.samples[k], cell = document.createElement("div"), image = new Image(), label = document.createElement("span"), name = document.createElement("span");
    cell.className = "cell";
    cell.setAttribute("role", "listitem");
    cell.style.cssText = `left:${GAP + k % this.columns * this.side}px;top:${GAP + Math.floor(k / this.columns) * this.tall}px;width:${this.side}px;height:${this.tall}px`;
    image.style.height = `${this.side - 10}px`;
    image.alt = sample.labels.join(", ") || sample.path;
    image.src = `/api/v1/data/${encodeURIComponent(this.dataset.key)}/samples/${sample.number}/thumbnail?side=160`;
    label.textContent = sample.labels.join(", ") + (sample.split ? ` · ${sample.split}` : "");
    name.textContent = sample.path.split("/").pop();
    cell.title = sample.path;
    cell.append(image, label, name);
    this.cells.set(k, cell);
    this.room.append(cell);
  }
});
