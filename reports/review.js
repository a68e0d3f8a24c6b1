// The review's tables sorted by a heading and searched by words, and its findings opened at once.
//
// The page is complete without this script. Names are foreign text: they are compared, never parsed.
"use strict";
(() => {
  const bar = document.querySelector(".controls");
  const find = bar.querySelector("input");
  const told = bar.querySelector("[role=status]");
  const findings = [...document.querySelectorAll("article.finding")];
  const tables = [...document.querySelectorAll("section > .scroll > table.sorts")];
  const rows = tables.flatMap((table) => [...table.tBodies[0].querySelectorAll("tr.item")]);

  // "-3/7" and "12345678901234567890" compare exactly.
  const exact = (text) => {
    const [above, below] = text.split("/");
    return [BigInt(above), BigInt(below || "1")];
  };
  const compare = (one, other) => {
    const [a, b] = [one, other].map((cell) => cell.dataset.value);
    if (a !== undefined && b !== undefined) {
      const [x, y] = [exact(a), exact(b)];
      const difference = x[0] * y[1] - y[0] * x[1];
      return difference < 0n ? -1 : Number(difference > 0n);
    }
    if (a !== undefined || b !== undefined) return a === undefined ? -1 : 1;
    const words = [one, other].map((cell) => cell.textContent);
    return words[0] < words[1] ? -1 : Number(words[0] > words[1]);
  };
  const sort = (table, column, heading) => {
    const names = column === 0;
    const was = heading.getAttribute("aria-sort");
    const rises = was ? was === "descending" : names;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", rises ? "ascending" : "descending");
    const items = [...table.tBodies[0].querySelectorAll("tr.item")];
    items.sort((one, other) => {
      const order = compare(one.cells[column], other.cells[column]);
      return rises ? order : -order;
    });
    // A total stays below what it is the total of.
    table.tBodies[0].prepend(...items);
  };
  for (const table of tables) {
    if (table.tBodies[0].querySelectorAll("tr.item").length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (heading.tagName !== "TH") return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => sort(table, column, heading));
    });
  }

  const search = () => {
    const words = find.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const part of [...rows, ...findings]) {
      const text = part.textContent.toLocaleLowerCase();
      part.hidden = !words.every((word) => text.includes(word));
      shown += Number(!part.hidden);
    }
    for (const total of document.querySelectorAll("table.sorts tr.total")) {
      total.hidden = words.length > 0;
    }
    told.textContent = words.length
      ? `${shown} of ${rows.length + findings.length} rows and findings` : "";
  };
  find.addEventListener("input", search);

  const opener = bar.querySelector("[data-open]");
  opener.hidden = !findings.length;
  opener.addEventListener("click", () => {
    const open = opener.dataset.open === "true";
    for (const details of document.querySelectorAll(".finding details")) details.open = open;
    opener.dataset.open = String(!open);
    opener.textContent = open ? "Close every finding" : "Open every finding";
  });
  bar.hidden = false;
})();
