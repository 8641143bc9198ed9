// The table of a stack: a row for each picture, sorted and filtered where it stands.

const COLUMNS = [
  { name: "File", value: (row) => row.name.toLowerCase() },
  { name: "Reading", value: (row) => READINGS.indexOf(kindOf(row)) },
  { name: "Probability", value: (row) => row.found?.document.probability ?? -1 },
  { name: "Warning", value: (row) => row.found?.warnings.length ?? -1 },
];
const READINGS = ["positive", "cannot-tell", "negative", "none", "waiting"];

const kindOf = ({ found }) => (found ? found.tone || "none" : "waiting");

export class StackTable {
  constructor(place, open) {
    this.place = place;
    this.open = open;
    this.chosen = { text: "", which: "" };
    this.sorted = { column: undefined, down: false };
  }

  // Shows rows in the order in which they came.
  show(rows, finding) {
    this.rows = rows;
    this.finding = finding;
    this.sorted = { column: undefined, down: false };
    this.elements = new Map(rows.map((row) => [row, this.made(row)]));
    this.body = element("tbody", { role: "rowgroup" }, ...this.elements.values());
    const table = element("table", { role: "table" }, this.head(), this.body);
    table.setAttribute("aria-label", "What became of each picture");
    this.empty = element("p", { className: "stack-empty", hidden: true, textContent: "No picture is like that." });
    this.place.replaceChildren(table, this.empty);
    this.fillChoices();
    for (const row of rows) this.fill(row);
    this.filter({});
  }

  update(row) {
    this.fill(row);
    this.filter({});
  }

  head() {
    const cells = COLUMNS.map((column) => {
      const button = element("button", { type: "button", textContent: column.name });
      button.addEventListener("click", () => this.sort(column));
      column.cell = element("th", { scope: "col", role: "columnheader" }, button);
      return column.cell;
    });
    const picture = element("th", { scope: "col", role: "columnheader" });
    picture.append(element("span", { className: "visually-hidden", textContent: "Picture" }));
    this.headers = new Map(COLUMNS.map((column, index) => [column, cells[index]]));
    return element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, picture, ...cells));
  }

  made(row) {
    const name = element("button", { type: "button", className: "stack-name", textContent: row.name });
    name.disabled = !row.file;
    name.addEventListener("click", () => this.open(row));
    const cells = ["stack-picture", "stack-file", "stack-reading", "stack-probability", "stack-warning"].map((className) => (
      element("td", { role: "cell", className })
    ));
    cells[1].append(name);
    return element("tr", { role: "row" }, ...cells);
  }

  // Writes what is known of a row into its cells.
  fill(row) {
    const [picture, , reading, probability, warning] = this.elements.get(row).cells;
    const { found } = row;
    for (const cell of [picture, reading, probability, warning]) cell.replaceChildren();
    this.elements.get(row).dataset.tone = kindOf(row);
    if (!found) {
      reading.append(element("span", { className: "stack-waits", textContent: "not read yet" }));
      return;
    }
    if (found.thumbnail) picture.append(element("img", { src: found.thumbnail, alt: "", width: 48, height: 48 }));
    reading.append(element("span", { className: "stack-said", textContent: SAID[found.kind] ?? firstUpper(found.row.reading) }));
    if (found.percent) {
      const bar = element("span", { className: "stack-bar" }, element("span", {}));
      bar.firstChild.style.width = `${100 * found.document.probability}%`;
      bar.setAttribute("aria-hidden", "true");
      probability.append(element("b", { textContent: found.percent }), bar);
    }
    for (const text of found.warnings) warning.append(element("p", { className: "stack-warned", textContent: text }));
    for (const text of found.notes) warning.append(element("p", { textContent: text }));
  }

  fillChoices() {
    const select = this.place.parentElement.querySelector(".stack-which");
    const choices = [["", "all"], ["positive", this.finding], ["cannot-tell", "can't tell"], ["negative", `no sign of ${this.finding}`],
      ["warned", "with a warning"], ["none", "without an answer"], ["waiting", "not read yet"]];
    select.replaceChildren(...choices.map(([value, textContent]) => element("option", { value, textContent })));
    select.value = this.chosen.which;
  }

  filter(change) {
    this.chosen = { ...this.chosen, ...change };
    const text = this.chosen.text.trim().toLowerCase();
    let shown = 0;
    for (const [row, line] of this.elements) {
      line.hidden = !(row.name.toLowerCase().includes(text) && this.isChosen(row));
      shown += line.hidden ? 0 : 1;
    }
    this.empty.hidden = shown > 0;
  }

  isChosen(row) {
    const { which } = this.chosen;
    if (which === "warned") return row.found?.kind === "answered" && row.found.warnings.length > 0;
    return !which || kindOf(row) === which;
  }

  // Sorts by a column; once more turns it round, a third time gives back the order in which the pictures came.
  sort(column) {
    const { column: before, down } = this.sorted;
    this.sorted = before !== column ? { column, down: false } : down ? { column: undefined, down: false } : { column, down: true };
    this.order();
  }

  order() {
    const { column, down } = this.sorted;
    for (const [each, cell] of this.headers) {
      cell.ariaSort = each === column ? (down ? "descending" : "ascending") : null;
    }
    const focused = document.activeElement;
    const lines = [...this.rows];
    if (column) {
      const sign = down ? -1 : 1;
      const compare = (one, other) => (column.value(one) < column.value(other) ? -sign : column.value(one) > column.value(other) ? sign : 0);
      lines.sort(compare);
    }
    this.body.append(...lines.map((row) => this.elements.get(row)));
    if (this.body.contains(focused)) focused.focus(); // moving an element takes the focus from it
  }
}

const SAID = { refused: "Not read", unreadable: "Not read", failed: "Not read" };

const firstUpper = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function element(name, properties, ...children) {
  const { role, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  if (role) made.setAttribute("role", role); // a phone shows rows as blocks, which then are a table still
  made.append(...children);
  return made;
}
