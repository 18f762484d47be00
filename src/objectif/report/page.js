// Sorting of tables by a click on a column's head. The page is complete without it.
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
