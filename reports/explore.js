// The statement by owner, opened down to the day: sort, filter and drill, with sums to the nano.
//
// The page is complete without this script; with it, the table is drawn again from the same data.
// Names are foreign text: they reach the page through textContent alone.
"use strict";
(() => {
  const NIL = "\u2013", MINUS = "\u2212", NANO_DIGITS = 9;
  const OWNER_LEVELS = 3, MODEL = 3, METER = 4, DAY = 5;
  const LINES_AT_ONCE = 200;
  const INDENTS = ["", "in1", "in2", "in3", "in4", "in5"];

  const element = (name, properties = {}, children = []) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const magnitude = (number) => (number < 0n ? -number : number);
  const divideHalfEven = (numerator, denominator) => {
    const rest = ((numerator % denominator) + denominator) % denominator;
    const quotient = (numerator - rest) / denominator;
    const twice = 2n * rest;
    return twice > denominator || (twice === denominator && quotient % 2n !== 0n)
      ? quotient + 1n : quotient;
  };

  // Figures as `reporting/figures.py` writes them.
  class Figures {
    constructor(digits, [decimal, group, first, other]) {
      Object.assign(this, { digits, decimal, group, first, other });
      this.unit = 10n ** BigInt(NANO_DIGITS - digits);
    }
    minor(nanos) { return divideHalfEven(nanos, this.unit); }
    grouped(whole) {
      let head = String(whole);
      let tail = head.slice(-this.first);
      head = head.slice(0, -this.first);
      const groups = [tail];
      while (head) { groups.unshift(head.slice(-this.other)); head = head.slice(0, -this.other); }
      return groups.join(this.group);
    }
    minorText(minor) {
      const scale = 10n ** BigInt(this.digits);
      const size = magnitude(minor);
      const fraction = String(size % scale).padStart(this.digits, "0");
      const decimals = this.digits ? this.decimal + fraction : "";
      return (minor < 0n ? MINUS : "") + this.grouped(size / scale) + decimals;
    }
    amount(nanos) { return nanos === 0n ? NIL : this.minorText(this.minor(nanos)); }
    quantity(count) {
      return count === 0n ? NIL : (count < 0n ? MINUS : "") + this.grouped(magnitude(count));
    }
    percent(tenths) {
      const size = magnitude(tenths);
      return `${this.grouped(size / 10n)}${this.decimal}${size % 10n}\u00a0%`;
    }
    share(part, whole) {
      if (whole === 0n) return "";
      const tenths = divideHalfEven(whole < 0n ? -part * 1000n : part * 1000n, magnitude(whole));
      return (tenths < 0n ? MINUS : "") + this.percent(tenths);
    }
    change(now, before) {
      if (before === 0n) return "";
      const tenths = divideHalfEven((now - before) * 1000n, magnitude(before));
      return (tenths > 0n ? "+" : tenths < 0n ? MINUS : "±") + this.percent(tenths);
    }
  }

  const whole = (joined) => (joined ? joined.split(",").map(BigInt) : []);
  const SUMS = ["listed", "contracted", "amount"];

  const summed = (rows) => {
    const sums = { listed: 0n, contracted: 0n, amount: 0n };
    for (const row of rows) for (const name of SUMS) sums[name] += row[name];
    return sums;
  };

  async function inflated(text) {
    const packed = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  }

  class Explorer {
    constructor(root, data) {
      this.root = root;
      this.data = data;
      this.figures = new Figures(data.digits, data.numerals);
      this.open = new Set();
      this.sort = { column: "amount", down: true };
      this.linesSort = { column: "amount", down: true };
      this.shownLines = LINES_AT_ONCE;
      this.view = "owners";
      this.rows = this.readRows();
      this.prior = this.readOwned(data.prior);
      this.plans = data.plans.map((plan) => plan && this.readPlans(plan));
      this.total = summed(this.rows).amount;
      this.counts = this.countOwners();
      this.part = (name) => root.querySelector(`[data-part="${name}"]`);
      this.wire();
      this.filter();
    }

    // --- data --------------------------------------------------------------------------------

    name(level, number) { return number < 0 ? "" : this.data.names[level][number]; }

    readRows() {
      const given = this.data.rows;
      const [quantity, listed, contracted, amount] =
        ["quantity", ...SUMS].map((name) => whole(given[name]));
      return given.bearer.map((bearer, place) => {
        const row = {
          place, bearer, quantity: quantity[place], listed: listed[place],
          contracted: contracted[place], amount: amount[place],
          costCentre: given.cost_centre[place], team: given.team[place],
          project: given.project[place], provider: given.provider[place],
          model: given.model[place], meter: given.meter[place],
        };
        row.labels = [
          bearer ? this.data.bearers[bearer - 1] : this.label("cost_centre", row.costCentre, 0),
          bearer ? "" : this.label("team", row.team, 1),
          bearer ? "" : this.label("project", row.project, 2),
          this.name("model", row.model) || "no model named",
          this.name("meter", row.meter),
        ];
        row.text = [...row.labels, this.name("provider", row.provider)].join("\n").toLowerCase();
        return row;
      });
    }

    label(level, number, depth) {
      return this.name(level, number) || `no ${this.data.levels[depth]} named`;
    }

    // The path of a row at each level; numbers, so that equal names are told apart by what they are.
    key(row, level) {
      const owner = row.bearer ? [`b${row.bearer}`, "", ""] : [row.costCentre, row.team, row.project];
      const path = [...owner, `${row.provider}.${row.model}`, row.meter];
      return path.slice(0, level + 1).join("/");
    }

    readOwned(given) {
      const sums = new Map();
      const add = (key, nanos) => sums.set(key, (sums.get(key) ?? 0n) + nanos);
      whole(given.amount).forEach((nanos, place) => {
        const [costCentre, team, project] =
          [given.cost_centre[place], given.team[place], given.project[place]];
        add("", nanos);
        if (given.bearer[place]) { add(`b${given.bearer[place]}`, nanos); return; }
        add(`${costCentre}`, nanos);
        add(`${costCentre}/${team}`, nanos);
        add(`${costCentre}/${team}/${project}`, nanos);
      });
      return sums;
    }

    // A plan counts where it is stated, else what is stated below it; as `tree.Plans.total`.
    readPlans(given) {
      const stated = new Map();
      const below = new Map();
      whole(given.amount).forEach((nanos, place) => {
        const path = ["cost_centre", "team", "project"].map((level) => given[level][place]);
        while (path.length > 1 && path.at(-1) < 0) path.pop();
        const key = path.join("/");
        stated.set(key, (stated.get(key) ?? 0n) + nanos);
        for (let depth = path.length; depth > 0; depth -= 1) {
          const above = path.slice(0, depth - 1).join("/");
          if (!below.has(above)) below.set(above, new Set());
          below.get(above).add(path.slice(0, depth).join("/"));
        }
      });
      const total = (key) => {
        if (key !== "" && stated.has(key)) return stated.get(key);
        const parts = [...(below.get(key) ?? [])].map(total).filter((part) => part !== undefined);
        return parts.length ? parts.reduce((sum, part) => sum + part, 0n) : undefined;
      };
      total.tops = [...(below.get("") ?? [])];
      const owners = new Set(this.rows.filter((row) => !row.bearer).map((row) => `${row.costCentre}`));
      for (const key of [...this.prior.keys(), ...total.tops]) {
        if (key && !key.startsWith("b")) owners.add(key.split("/")[0]);
      }
      total.isStated = (key) => (key ? stated.has(key) : [...owners].every((one) => stated.has(one)));
      return total;
    }

    countOwners() {
      const counts = new Map([["", this.rows.length]]);
      for (const row of this.rows) {
        for (let level = 0; level < (row.bearer ? 1 : OWNER_LEVELS); level += 1) {
          const key = this.key(row, level);
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
      return counts;
    }

    // Days are unpacked when the first line is opened so far; drawing itself never waits.
    async loadDays() {
      if (this.packedDays) return;
      const given = await inflated(this.data.days);
      const byRow = new Map();
      const [places, days] = [given.place, given.day].map((text) => text.split(",").map(Number));
      const [quantities, amounts] = [given.quantity, given.amount].map((text) => text.split(","));
      places.forEach((row, at) => {
        if (!byRow.has(row)) byRow.set(row, []);
        byRow.get(row).push([days[at], quantities[at], amounts[at]]);
      });
      this.packedDays = byRow;
    }

    days(place) {
      const first = Date.parse(`${this.data.firstDay}T00:00:00Z`);
      return (this.packedDays?.get(place) ?? []).map(([day, quantity, amount]) => ({
        day: new Date(first + day * 86400000).toISOString().slice(0, 10),
        quantity: BigInt(quantity), amount: BigInt(amount),
      }));
    }

    // --- controls ----------------------------------------------------------------------------

    wire() {
      this.part("controls").hidden = false;
      const words = this.part("words");
      words.addEventListener("input", () => this.later(() => this.filter()));
      for (const facet of this.root.querySelectorAll("select[data-facet]")) {
        const level = facet.dataset.facet;
        const used = new Set(this.rows.map((row) => row[level]));
        const names = [...used].filter((number) => number >= 0)
          .map((number) => [this.name(level, number), number])
          .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
        for (const [name, number] of names) facet.append(new Option(name, number));
        facet.addEventListener("change", () => this.filter());
      }
      this.part("clear").addEventListener("click", () => this.clear());
      this.part("fold").addEventListener("click", () => { this.open.clear(); this.draw(); });
      this.part("unfold").addEventListener("click", () => { this.openOwners(); this.draw(); });
      for (const choice of this.root.querySelectorAll("input[data-view]")) {
        choice.addEventListener("change", () => { this.view = choice.dataset.view; this.draw(); });
      }
      this.part("more").addEventListener("click", () => {
        this.shownLines += LINES_AT_ONCE;
        this.drawLines();
      });
      for (const [part, sort] of [["owners", "sort"], ["lines", "linesSort"]]) {
        this.part(part).tHead.addEventListener("click", (event) => {
          const column = event.target.closest("button[data-sort]")?.dataset.sort;
          if (column) this.sortBy(sort, column);
        });
      }
      this.part("owners").tBodies[0].addEventListener("click", (event) => {
        const key = event.target.closest("button[data-key]")?.dataset.key;
        if (key !== undefined) this.toggle(key);
      });
      this.part("lines").tBodies[0].addEventListener("click", (event) => {
        const place = event.target.closest("button[data-place]")?.dataset.place;
        if (place !== undefined) this.toggleLine(Number(place));
      });
      window.addEventListener("beforeprint", () => this.paper(true));
      window.addEventListener("afterprint", () => this.paper(false));
    }

    later(act) {
      cancelAnimationFrame(this.waiting);
      this.waiting = requestAnimationFrame(act);
    }

    clear() {
      this.part("words").value = "";
      for (const facet of this.root.querySelectorAll("select[data-facet]")) facet.value = "";
      this.filter();
      this.part("words").focus();
    }

    filter() {
      const words = this.part("words").value.toLowerCase().split(/\s+/).filter(Boolean);
      const facets = [...this.root.querySelectorAll("select[data-facet]")]
        .filter((facet) => facet.value !== "")
        .map((facet) => [facet.dataset.facet, Number(facet.value)]);
      this.isFiltered = words.length > 0 || facets.length > 0;
      this.found = this.rows.filter((row) =>
        facets.every(([level, number]) => row[level] === number)
        && words.every((word) => row.text.includes(word)));
      this.shownLines = LINES_AT_ONCE;
      this.draw();
    }

    sortBy(name, column) {
      const now = this[name];
      const textual = ["label", "owner", "model", "meter"].includes(column);
      this[name] = { column, down: now.column === column ? !now.down : !textual };
      this.draw();
    }

    toggle(key) {
      if (this.open.has(key)) this.open.delete(key); else this.open.add(key);
      const draw = () => {
        this.draw();
        for (const button of this.part("owners").querySelectorAll("button[data-key]")) {
          if (button.dataset.key === key) { button.focus(); break; }
        }
      };
      if (key.split("/").length > METER) this.loadDays().then(draw); else draw();
    }

    openOwners() {
      for (const row of this.found) {
        if (row.bearer) continue;
        this.open.add(this.key(row, 0));
        this.open.add(this.key(row, 1));
      }
    }

    // On paper every owner is open; afterwards the page is as it was.
    paper(isPaper) {
      if (isPaper === Boolean(this.beforePaper)) return;
      if (isPaper) {
        this.beforePaper = [this.view, new Set(this.open)];
        this.view = "owners";
        this.openOwners();
      } else {
        [this.view, this.open] = this.beforePaper;
        this.beforePaper = undefined;
      }
      this.draw();
    }

    // --- drawing -----------------------------------------------------------------------------

    draw() {
      const isOwners = this.view === "owners";
      this.part("owners-view").hidden = !isOwners;
      this.part("lines-view").hidden = isOwners;
      for (const choice of this.root.querySelectorAll("input[data-view]")) {
        choice.checked = choice.dataset.view === this.view;
      }
      const { amount } = summed(this.found);
      const count = (number) => this.figures.grouped(number);
      this.part("told").textContent = this.isFiltered
        ? `${count(this.found.length)} of ${count(this.rows.length)} lines, `
          + `${this.data.currency} ${this.figures.amount(amount)}`
        : `${count(this.rows.length)} lines, ${this.data.currency} ${this.figures.amount(amount)}`;
      if (isOwners) this.drawOwners(); else this.drawLines();
    }

    mark(table, sort) {
      for (const head of table.tHead.querySelectorAll("th")) {
        const column = head.querySelector("button[data-sort]")?.dataset.sort;
        if (column === sort.column) {
          head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
        } else head.removeAttribute("aria-sort");
      }
    }

    groups(rows, level) {
      const groups = new Map();
      for (const row of rows) {
        const key = this.key(row, level);
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(row);
      }
      const nodes = [...groups].map(([key, below]) => this.node(key, level, below))
        .filter((node) => this.isSaid(node));
      if (!this.isFiltered && level < OWNER_LEVELS) nodes.push(...this.stopped(rows, level, groups));
      return this.sorted(nodes, this.sort);
    }

    // What adds up to nothing is left out, as `tree.py` does: a pool that was given on wholly.
    isSaid(node) {
      if (node.level >= OWNER_LEVELS || (node.level === 0 && !node.bearer)) return true;
      return [...SUMS, "prior"].some((name) => node[name]);
    }

    node(key, level, rows) {
      const [row] = rows;
      const node = { key, level, rows, ...summed(rows), label: row.labels[level], note: "" };
      node.bearer = row.bearer;
      if (level === MODEL) node.note = this.name("provider", row.provider);
      if (level === METER) {
        node.place = row.place;
        node.note = `${this.figures.quantity(row.quantity)} ${this.data.units[row.meter]}`;
      }
      const isOwner = level < OWNER_LEVELS;
      const isWhole = isOwner && this.counts.get(key) === rows.length;
      node.prior = isWhole ? this.prior.get(key) ?? 0n : undefined;
      [node.budget, node.forecast] = this.plans.map((plan) =>
        (plan && isWhole && !row.bearer ? plan(key) : undefined));
      return node;
    }

    // Owners who spent nothing this month: they did the month before, or were meant to.
    stopped(rows, level, groups) {
      const above = level ? `${this.key(rows[0], level - 1)}/` : "";
      const nodes = [];
      const silent = new Map([...this.prior].filter(([, prior]) => prior !== 0n));
      for (const key of level ? [] : this.plans.flatMap((plan) => plan?.tops ?? [])) {
        if (!silent.has(key)) silent.set(key, 0n);
      }
      for (const [key, prior] of silent) {
        if (key === "" || groups.has(key) || !key.startsWith(above)) continue;
        if (key.split("/").length !== level + 1) continue;
        const number = key.slice(above.length);
        const bearer = number.startsWith("b") ? Number(number.slice(1)) : 0;
        const names = ["cost_centre", "team", "project"];
        const [budget, forecast] = this.plans.map((plan) => (bearer ? undefined : plan?.(key)));
        nodes.push({
          key, level, rows: [], prior, bearer, budget, forecast,
          note: "", listed: 0n, contracted: 0n, amount: 0n,
          label: bearer ? this.data.bearers[bearer - 1]
            : this.label(names[level], Number(number), level),
        });
      }
      return nodes;
    }

    sorted(nodes, { column, down }) {
      const value = (node) => {
        if (column === "label") return node.label.toLowerCase();
        if (column === "discount") return node.listed - node.contracted;
        if (column === "change") return node.amount - (node.prior ?? 0n);
        if (column === "remaining") return (node.budget ?? 0n) - node.amount;
        return node[column] ?? 0n;
      };
      const keyed = nodes.map((node) => [value(node), node]);
      keyed.sort(([one, a], [other, b]) => {
        // What nobody owns stands below the owners, however they are sorted.
        if (!a.bearer !== !b.bearer) return a.bearer ? 1 : -1;
        if (one !== other) return (one < other ? -1 : 1) * (down ? -1 : 1);
        return a.label < b.label ? -1 : a.label > b.label ? 1 : 0;
      });
      return keyed.map(([, node]) => node);
    }

    drawOwners() {
      const table = this.part("owners");
      this.mark(table, this.sort);
      const body = document.createDocumentFragment();
      const tops = this.groups(this.found, 0);
      const sums = summed(this.found);
      this.drawNodes(body, tops);
      const isWhole = !this.isFiltered;
      const all = { ...sums, key: "", prior: isWhole ? this.prior.get("") ?? 0n : undefined };
      [all.budget, all.forecast] = this.plans.map((plan) => (plan && isWhole ? plan("") : undefined));
      this.drawRounding(body, tops, all, 0);
      table.tBodies[0].replaceChildren(body);
      const foot = this.line({ ...all, level: 0, label: isWhole ? "Total" : "Found" }, "total");
      table.tFoot.replaceChildren(foot);
    }

    drawNodes(body, nodes) {
      for (const node of nodes) {
        const isOpen = this.open.has(node.key);
        body.append(this.line(node, "item", isOpen));
        if (!isOpen) continue;
        if (node.level === METER) { this.drawDays(body, node); continue; }
        const next = node.bearer && node.level === 0 ? MODEL : node.level + 1;
        const below = this.groups(node.rows, next);
        this.drawNodes(body, below);
        this.drawRounding(body, below, node, next);
      }
    }

    drawDays(body, node) {
      const days = this.days(node.place);
      for (const { day, quantity, amount } of days) {
        const note = `${this.figures.quantity(quantity)} ${this.data.units[node.rows[0].meter]}`;
        body.append(this.line({ level: DAY, label: day, note, amount }, "day"));
      }
      this.drawRounding(body, days, { amount: node.amount }, DAY);
    }

    drawRounding(body, parts, all, level) {
      const left = {};
      for (const name of [...SUMS, "prior"]) {
        if (all[name] === undefined || parts.some((part) => part[name] === undefined)) continue;
        const shown = parts.reduce((sum, part) => sum + this.figures.minor(part[name]), 0n);
        left[name] = this.figures.minor(all[name]) - shown;
      }
      if (Object.values(left).every((minor) => minor === 0n)) return;
      const shown = (minor) => (minor ? this.figures.minorText(minor) : "");
      const discount = left.listed === undefined ? 0n : left.listed - left.contracted;
      const cells = {
        listed: shown(left.listed), discount: shown(discount), contracted: shown(left.contracted),
        amount: shown(left.amount), prior: shown(left.prior),
      };
      body.append(this.row({ label: "rounding", level }, cells, "rounding"));
    }

    line(node, kind, isOpen) {
      const { figures } = this;
      const given = (nanos) => (nanos === undefined ? "" : figures.amount(nanos));
      const hasList = node.listed !== undefined;
      let discount = "";
      if (hasList) {
        discount = node.listed === node.contracted ? NIL
          : figures.minorText(figures.minor(node.listed) - figures.minor(node.contracted));
      }
      return this.row(node, {
        listed: given(node.listed), discount, contracted: given(node.contracted),
        amount: given(node.amount),
        share: node.level === DAY ? "" : figures.share(node.amount, this.total),
        prior: given(node.prior),
        change: node.prior === undefined ? "" : figures.change(node.amount, node.prior),
        budget: given(node.budget),
        remaining: node.budget === undefined || !this.plans[0].isStated(node.key) ? ""
          : figures.amount(node.budget - node.amount),
        forecast: given(node.forecast),
      }, kind, isOpen);
    }

    row(node, cells, kind, isOpen) {
      const label = [element("bdi", { textContent: node.label })];
      if (node.note) {
        label.push(" ", element("span", { className: "note" },
          [element("bdi", { textContent: node.note })]));
      }
      const head = element("th", { scope: "row", className: INDENTS[node.level] });
      if (isOpen !== undefined && node.rows.length) {
        const button = element("button", { type: "button", className: "opens" }, label);
        button.dataset.key = node.key;
        button.setAttribute("aria-expanded", String(isOpen));
        head.append(button);
      } else head.append(element("span", { className: "closed" }, label));
      const line = element("tr", { className: `${kind} level${node.level}` }, [head]);
      for (const column of this.columns()) {
        const cell = element("td", { textContent: cells[column] ?? "" });
        if (column === "share") this.bar(cell, node, cells.share);
        if (column === "amount") cell.className = "billed";
        line.append(cell);
      }
      return line;
    }

    columns() {
      this.shownColumns ??= [...this.part("owners").tHead.querySelectorAll("button[data-sort]")]
        .map((button) => button.dataset.sort).slice(1);
      return this.shownColumns;
    }

    bar(cell, node, share) {
      cell.className = "share";
      cell.textContent = "";
      if (!share) return;
      const length = this.total > 0n && node.amount > 0n ? Number(node.amount * 1000n / this.total) : 0;
      const svg = (name, attributes) => {
        const made = document.createElementNS("http://www.w3.org/2000/svg", name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        return made;
      };
      const bar = svg("svg", {
        class: "bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true",
      });
      bar.append(svg("rect", { width: Math.min(length, 1000), height: 10 }));
      cell.append(bar, element("span", { textContent: share }));
    }

    // --- lines -------------------------------------------------------------------------------

    drawLines() {
      const table = this.part("lines");
      this.mark(table, this.linesSort);
      const { column, down } = this.linesSort;
      const value = {
        owner: (row) => row.labels.slice(0, OWNER_LEVELS).join("\n").toLowerCase(),
        model: (row) => row.labels[MODEL].toLowerCase(),
        meter: (row) => row.labels[METER].toLowerCase(),
        discount: (row) => row.listed - row.contracted,
      }[column] ?? ((row) => row[column]);
      const keyed = this.found.map((row) => [value(row), row]);
      keyed.sort(([one, a], [other, b]) =>
        (one === other ? a.place - b.place : (one < other ? -1 : 1) * (down ? -1 : 1)));
      const body = document.createDocumentFragment();
      for (const [, row] of keyed.slice(0, this.shownLines)) {
        body.append(this.flatLine(row));
        if (this.open.has(`line${row.place}`)) this.flatDays(body, row);
      }
      table.tBodies[0].replaceChildren(body);
      const left = this.found.length - this.shownLines;
      this.part("more").hidden = left <= 0;
      const next = this.figures.grouped(Math.min(Math.max(left, 0), LINES_AT_ONCE));
      this.part("more").textContent = `Show ${next} more of ${this.figures.grouped(Math.max(left, 0))}`;
      const sums = summed(this.found);
      const { figures } = this;
      const discount = sums.listed === sums.contracted ? NIL
        : figures.minorText(figures.minor(sums.listed) - figures.minor(sums.contracted));
      const cells = [figures.amount(sums.listed), discount, figures.amount(sums.contracted),
        figures.amount(sums.amount)];
      const head = element("th", { scope: "row", colSpan: 4, textContent: this.isFiltered ? "Found" : "Total" });
      table.tFoot.replaceChildren(element("tr", { className: "total" },
        [head, ...cells.map((text) => element("td", { textContent: text }))]));
    }

    flatLine(row) {
      const { figures } = this;
      const key = `line${row.place}`;
      const owner = row.labels.slice(0, OWNER_LEVELS).filter(Boolean);
      const bdi = (text) => element("bdi", { textContent: text });
      const [first, ...rest] = owner;
      const head = element("th", { scope: "row" }, [bdi(first), " "]);
      if (rest.length) {
        head.append(element("span", { className: "note" }, [bdi(rest.join(" / "))]));
      }
      const button = element("button", { type: "button", className: "opens" }, [bdi(row.labels[METER])]);
      button.dataset.place = row.place;
      button.setAttribute("aria-expanded", String(this.open.has(key)));
      const discount = row.listed === row.contracted ? NIL
        : figures.minorText(figures.minor(row.listed) - figures.minor(row.contracted));
      const figure = (text) => element("td", { textContent: text, className: "figure" });
      return element("tr", { className: "item" }, [
        head,
        element("td", {}, [bdi(row.labels[MODEL]), " ",
          element("span", { className: "note" }, [bdi(this.name("provider", row.provider))])]),
        element("td", {}, [button]),
        figure(`${figures.quantity(row.quantity)} ${this.data.units[row.meter]}`),
        figure(figures.amount(row.listed)), figure(discount),
        figure(figures.amount(row.contracted)), figure(figures.amount(row.amount)),
      ]);
    }

    flatDays(body, row) {
      for (const { day, quantity, amount } of this.days(row.place)) {
        const cell = (text, columns) => element("td", {
          textContent: text, colSpan: columns, className: "figure",
        });
        body.append(element("tr", { className: "day" }, [
          element("th", { scope: "row", colSpan: 3, textContent: day, className: "figure" }),
          cell(`${this.figures.quantity(quantity)} ${this.data.units[row.meter]}`, 1),
          cell("", 3), cell(this.figures.amount(amount), 1),
        ]));
      }
    }

    toggleLine(place) {
      const key = `line${place}`;
      if (this.open.has(key)) this.open.delete(key); else this.open.add(key);
      this.loadDays().then(() => {
        this.drawLines();
        this.part("lines").querySelector(`button[data-place="${place}"]`)?.focus();
      });
    }
  }

  for (const root of document.querySelectorAll("[data-explorer]")) {
    const data = document.getElementById(root.dataset.explorer);
    new Explorer(root, JSON.parse(data.textContent));
  }
})();
