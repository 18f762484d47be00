// <object-drop>: a zip or a folder, dropped or chosen, becomes data of the server; then its page opens.
// A folder is packed into a zip here (stored, not compressed: photos are compressed already), so that the server has one
// door for both and keeps its bounds in one place.
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0; });
const crc = bytes => { let c = 0xffffffff; for (const b of bytes) c = TABLE[(c ^ b) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };

function head(signature, fields) {
  const view = new DataView(new ArrayBuffer(4 + fields.reduce((n, [size]) => n + size, 0)));
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [size, value] of fields) { size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true); at += size; }
  return view.buffer;
}

async function zipped(files, progress) {
  const parts = [], listed = [];
  let offset = 0;
  for (const [k, { path, file }] of files.entries()) {
    const name = new TextEncoder().encode(path), sum = crc(new Uint8Array(await file.arrayBuffer()));
    const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, sum], [4, file.size], [4, file.size], [2, name.length], [2, 0]];
    const local = head(0x04034b50, common);
    listed.push(head(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name);
    parts.push(local, name, file);
    offset += local.byteLength + name.length + file.size;
    if (k % 20 === 0) progress(`packing ${k + 1} of ${files.length}`);
  }
  const directory = new Blob(listed);
  const end = head(0x06054b50, [[2, 0], [2, 0], [2, files.length & 0xffff], [2, files.length & 0xffff], [4, directory.size], [4, offset], [2, 0]]);
  return new Blob([...parts, directory, end], { type: "application/zip" });
}

async function under(entry, path = "") {
  if (entry.isFile) return [{ path: path + entry.name, file: await new Promise((good, bad) => entry.file(good, bad)) }];
  const reader = entry.createReader(), found = [];
  for (;;) {  // a reader gives at most a hundred at a time
    const some = await new Promise((good, bad) => reader.readEntries(good, bad));
    if (!some.length) return found;
    for (const one of some) found.push(...await under(one, `${path}${entry.name}/`));
  }
}

customElements.define("object-drop", class extends HTMLElement {
  connectedCallback() {
    const words = document.createElement("p"), row = document.createElement("div");
    words.textContent = "Drop a folder or a zip of labelled images here";
    this.said = document.createElement("p");
    this.said.setAttribute("role", "status");
    row.className = "acts"; row.style.justifyContent = "center";
    row.append(this.choose("Choose a folder", true), this.choose("Choose a zip", false));
    this.append(words, row, this.said);
    this.addEventListener("dragover", e => { e.preventDefault(); this.classList.add("over"); });
    this.addEventListener("dragleave", () => this.classList.remove("over"));
    this.addEventListener("drop", e => { e.preventDefault(); this.classList.remove("over"); this.dropped(e.dataTransfer); });
  }
  choose(title, folder) {
    const button = document.createElement("button"), input = document.createElement("input");
    button.className = "button second"; button.textContent = title; button.type = "button";
    input.type = "file"; input.hidden = true; input.webkitdirectory = folder;
    if (!folder) input.accept = ".zip,application/zip";
    input.setAttribute("aria-label", title);
    button.onclick = () => input.click();
    input.onchange = () => folder
      ? this.folder([...input.files].map(file => ({ path: file.webkitRelativePath || file.name, file })))
      : input.files[0] && this.send(input.files[0], input.files[0].name);
    const both = document.createElement("span");
    both.append(button, input);
    return both;
  }
  async dropped(transfer) {
    const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
    const one = transfer.files[0];
    if (entries.length === 1 && entries[0].isFile && /\.zip$/i.test(one.name)) return this.send(one, one.name);
    const files = [];
    for (const entry of entries) files.push(...await under(entry));
    this.folder(files);
  }
  async folder(files) {
    const kept = files.filter(f => !f.path.split("/").some(part => part.startsWith(".")));
    if (!kept.length) return this.say("There is no file in it.");
    if (kept.length > 65000) return this.say("More than 65,000 files: name the folder by its path instead.");
    this.send(await zipped(kept, words => this.say(words)), kept[0].path.split("/")[0]);
  }
  send(blob, name) {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/data/zip?name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/zip");
    request.upload.onprogress = e => this.say(e.loaded < e.total ? `sending ${Math.round(100 * e.loaded / e.total)} %` : "reading");
    request.onerror = () => this.say("The server cannot be reached.");
    request.onload = () => {
      const told = JSON.parse(request.responseText);
      request.status === 201 ? location.assign(this.dataset.then ? this.dataset.then + encodeURIComponent(told.path) : `/data/${encodeURIComponent(told.key)}`) : this.say(told.detail);
    };
    request.send(blob);
  }
  say(words) { this.said.textContent = words; }
});
