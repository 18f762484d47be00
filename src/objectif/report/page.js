// Sorting of tables by a click on a head, and pictures to slide between. The page is complete without it.
"use strict";
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const shown = body.querySelectorAll("tr:not(.more)").length;
  table.querySelectorAll("th[data-key]").forEach((head) => {
    const column = head.cellIndex;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.v ?? "";
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const step = head.dataset.key === "number" ? x - y : x.localeCompare(y);
        return down ? -step : step;
      };
      const rows = [...body.rows].sort(order);
      rows.forEach((row, k) => row.classList.toggle("more", k >= shown));
      body.append(...rows);
    });
  });
}
// The given and the restored picture become one with a slider. Without it all stand side by side.
for (const box of document.querySelectorAll(".slides")) {
  const [before, after] = box.children;
  const [given, restored] = [before, after].map((side) => side.querySelector("img"));
  const frame = document.createElement("div");
  const range = document.createElement("input");
  range.type = "range";
  range.setAttribute("aria-label", "given on the left, restored on the right");
  frame.className = "slide";
  const move = () => frame.style.setProperty("--at", `${range.value}%`);
  restored.before(frame);
  frame.append(restored, given, range);
  after.querySelector("b").prepend(before.querySelector("b").textContent + " | ");
  before.remove();
  box.classList.remove("three");
  range.addEventListener("input", move);
  move();
}
