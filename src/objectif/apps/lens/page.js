// The lens in the browser: a photo goes to the server, its card comes back as HTML that the server has escaped.
// An element of its own, because the page's elements come after its scripts.
function begin(lens) {
  const base = lens.dataset.base, said = lens.querySelector("#said");
  const place = lens.querySelector("#answer-place"), figure = lens.querySelector("figure");
  const form = lens.querySelector("#teach"), teach = form.closest("details"), told = form.querySelector("[role=status]");
  let photo = null, asked = 0;

  async function send(way, fields) {
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    const answer = await fetch(`${base}/${way}`, { method: "POST", body }).catch(() => null);
    if (!answer) return { good: false, text: lens.dataset.lost };
    if (answer.ok) return { good: true, text: await answer.text() };
    return { good: false, text: (await answer.json().catch(() => ({}))).detail || answer.statusText };
  }

  async function ask(file) {
    const turn = ++asked;
    photo = file;
    const image = figure.querySelector("img");
    if (image.src) URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(file);
    figure.hidden = false;
    said.textContent = lens.dataset.looking;
    place.setAttribute("aria-busy", "true");
    const found = await send("card", [["photo", file]]);
    if (turn !== asked) return;  // another photo was taken meanwhile
    place.removeAttribute("aria-busy");
    place.innerHTML = found.good ? found.text : "";
    said.textContent = found.good ? "" : found.text;
    teach.hidden = !found.good;
    lens.querySelector("#safety").hidden = found.good;  // the card has it
    for (const mine of place.querySelectorAll("[data-mine]")) mine.src = image.src;
    if (found.good) place.querySelector("#answer").focus();
  }

  lens.addEventListener("change", event => {
    const field = event.target;
    if (field.matches("[data-photo]") && field.files[0]) { ask(field.files[0]); field.value = ""; }
  });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    told.textContent = lens.dataset.looking;
    const photos = [photo, ...form.elements.photos.files].map(file => ["photos", file]);
    const found = await send("teach", [["name", form.elements.name.value], ...photos]);
    told.textContent = found.good ? "" : found.text;
    if (found.good) { form.reset(); lessons(found.text); }
  });
  lens.addEventListener("click", async event => {
    const button = event.target.closest("[data-do]");
    if (!button) return;
    button.disabled = true;
    const found = await send(button.dataset.do, [["name", button.dataset.name]]);
    if (found.good) lessons(found.text); else { button.disabled = false; said.textContent = found.text; }
  });
  function lessons(html) {
    const list = lens.querySelector("#lessons");
    list.innerHTML = html;
    list.tabIndex = -1;
    list.focus();
  }
}
customElements.define("objectif-lens", class extends HTMLElement { connectedCallback() { begin(this); } });
