"use strict";
// Text of the model or the task enters the page as textContent only: it is never markup.
(() => {
  const ROW = 44;
  const make = (tag, kind, text) => {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  class Viewer {
    constructor(root, data) {
      this.root = root;
      this.traces = data.traces;
      this.rules = data.rules;
      this.rule = 0;
      this.shown = [];
      this.chosen = 0;
      this.build();
      this.filter();
    }

    build() {
      const bar = make("div", "bar");
      this.search = make("input");
      this.search.type = "search";
      this.search.placeholder = "search texts, ids, answers  ( / )";
      this.search.setAttribute("aria-label", "search traces");
      this.kind = make("select");
      this.kind.setAttribute("aria-label", "which traces");
      for (const [value, name] of [
        ["all", "all traces"],
        ["lost", "lost by the rule"],
        ["kept", "left early, still right"],
        ["late", "left late (right before)"],
        ["never", "never left"],
        ["wrong", "full run wrong"],
      ]) this.kind.append(new Option(name, value));
      this.which = make("select");
      this.which.setAttribute("aria-label", "rule");
      this.rules.forEach((rule, i) => this.which.append(new Option(rule.name, i)));
      this.light = make("button", "", "light / dark");
      this.light.type = "button";
      this.count = make("span", "count");
      bar.append(this.which, this.kind, this.search, this.light, this.count);
      this.list = make("div", "list");
      this.list.tabIndex = 0;
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", "traces");
      this.space = make("div");
      this.list.append(this.space);
      this.text = make("div", "text");
      this.text.tabIndex = 0;
      this.root.append(bar, this.list, this.text);
      this.search.addEventListener("input", () => this.filter());
      this.kind.addEventListener("change", () => this.filter());
      this.which.addEventListener("change", () => {
        this.rule = Number(this.which.value);
        this.filter();
      });
      this.light.addEventListener("click", () => this.turn());
      this.list.addEventListener("scroll", () => this.draw());
      this.root.addEventListener("keydown", (event) => this.key(event));
      document.addEventListener("keydown", (event) => {
        if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) {
          event.preventDefault();
          this.search.focus();
        }
      });
    }

    turn() {
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const now = this.root.classList.contains("dark") ||
        (dark && !this.root.classList.contains("light"));
      this.root.classList.toggle("dark", !now);
      this.root.classList.toggle("light", now);
    }

    key(event) {
      if (event.target.tagName === "SELECT") return;
      const typing = event.target === this.search;
      const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
      if (step && !(typing && event.key.length === 1)) {
        event.preventDefault();
        this.choose(Math.min(Math.max(this.chosen + step, 0), this.shown.length - 1));
      }
      if (event.key === "Escape" && typing) {
        this.search.value = "";
        this.filter();
        this.list.focus();
      }
    }

    // What became of a trace under the chosen rule.
    fate(i) {
      const trace = this.traces[i];
      const at = this.rules.length ? this.rules[this.rule].exits[i] : -1;
      const left = at >= 0;
      const right = left ? Boolean(trace.r[at]) : trace.ok;
      const saved = left ? trace.n - trace.at[at] : at === -2 ? trace.n : 0;
      const first = trace.r.indexOf(1);
      return { at, left, right, saved, lost: left && trace.ok && !right,
        late: left && first >= 0 && first < at };
    }

    matches(i, words) {
      const trace = this.traces[i];
      if (!words.length) return true;
      const all = [trace.id, trace.q, trace.gold, trace.a, ...trace.t].join("\n").toLowerCase();
      return words.every((word) => all.includes(word));
    }

    filter() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kind = this.kind.value;
      this.shown = this.traces.map((_, i) => i).filter((i) => {
        const fate = this.fate(i);
        const kept = kind === "all" || (kind === "lost" && fate.lost) ||
          (kind === "kept" && fate.left && fate.right) || (kind === "late" && fate.late) ||
          (kind === "never" && fate.at === -1) || (kind === "wrong" && !this.traces[i].ok);
        return kept && this.matches(i, words);
      });
      this.space.style.height = `${this.shown.length * ROW}px`;
      this.count.textContent = `${this.shown.length} of ${this.traces.length}`;
      this.list.scrollTop = 0;
      this.choose(0);
    }

    choose(place) {
      this.chosen = place;
      const top = place * ROW;
      const view = this.list.clientHeight;
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      else if (top + ROW > this.list.scrollTop + view) this.list.scrollTop = top + ROW - view;
      this.draw();
      this.read();
    }

    // Only the rows in sight exist, however many traces there are.
    draw() {
      const first = Math.max(Math.floor(this.list.scrollTop / ROW) - 4, 0);
      const last = Math.min(first + Math.ceil(this.list.clientHeight / ROW) + 8, this.shown.length);
      this.space.replaceChildren();
      for (let place = first; place < last; place += 1) {
        const i = this.shown[place];
        const trace = this.traces[i];
        const fate = this.fate(i);
        const row = make("div", "row");
        row.style.top = `${place * ROW}px`;
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", String(place === this.chosen));
        row.append(make("b", fate.lost ? "lost" : "", trace.q || trace.id));
        const told = fate.left
          ? `${fate.lost ? "lost" : fate.right ? "right" : "wrong"}, ${fate.saved} of ${trace.n} saved`
          : `${fate.right ? "right" : "wrong"}, ${trace.n} tokens thought to the end`;
        row.append(make("span", "", told));
        row.addEventListener("click", () => this.choose(place));
        this.space.append(row);
      }
    }

    read() {
      this.text.replaceChildren();
      this.text.scrollTop = 0;
      const i = this.shown[this.chosen];
      if (i === undefined) {
        this.text.append(make("p", "facts", "No trace is like this."));
        return;
      }
      const trace = this.traces[i];
      const fate = this.fate(i);
      this.text.append(make("p", "asked", trace.q));
      const full = `right answer ${trace.gold}; the full run says ${trace.a || "nothing"}`;
      const facts = make("p", "facts", `${trace.id}: ${full} `);
      facts.append(make("span", trace.ok ? "kept" : "lost", trace.ok ? "(right)" : "(wrong)"));
      this.text.append(facts);
      const thought = make("div", "thought");
      trace.t.forEach((piece, k) => {
        const words = make("span", fate.left && k > fate.at ? "after" : "", piece);
        if (k < trace.s.length) {
          words.style.background = `rgba(var(--shade), ${(0.55 * trace.s[k]).toFixed(3)})`;
        }
        thought.append(words);
        if (k < trace.s.length) thought.append(this.cue(trace, k));
        if (fate.left && k === fate.at) thought.append(this.leaves(trace, fate));
      });
      this.text.append(thought);
    }

    cue(trace, k) {
      const mark = make("span", trace.r[k] ? "cue" : "cue wrong");
      mark.title = `cue ${k + 1}, after ${trace.at[k]} tokens: leaving here would answer ` +
        `${trace.f[k] || "nothing"}, which is ${trace.r[k] ? "right" : "wrong"}`;
      mark.append(make("span", "", `${trace.s[k].toFixed(2)} `));
      mark.append(make("span", "said", trace.f[k] || "\u2013"));
      return mark;
    }

    leaves(trace, fate) {
      const name = this.rules[this.rule].name;
      const end = fate.lost ? "a right answer is lost" : fate.right ? "right" :
        trace.ok ? "wrong" : "wrong, as the full run";
      return make("span", "leaves", `${name} leaves here: ${fate.saved} tokens saved, ${end}`);
    }
  }

  // A click on a heading sorts a table by that column; rows without a number stay last.
  function sortable(table) {
    table.querySelectorAll("th").forEach((head, column) => {
      let down = false;
      head.title = "sort";
      head.addEventListener("click", () => {
        down = !down;
        const body = table.tBodies[0];
        const value = (row) => {
          const text = row.cells[column].textContent.trim();
          const number = Number.parseFloat(text);
          return Number.isNaN(number) ? text : number;
        };
        const rows = [...body.rows].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
          const order = typeof x === "number" ? x - y : x.localeCompare(y);
          return down ? -order : order;
        });
        body.replaceChildren(...rows);
      });
    });
  }

  document.querySelectorAll(".probexit-table").forEach(sortable);
  const root = document.getElementById("viewer");
  if (root) {
    unpacked(document.getElementById("traces").textContent.trim()).then(
      (data) => {
        root.replaceChildren();
        window.probexitViewer = new Viewer(root, data);
        root.dataset.ready = "yes";
      },
      (error) => { root.textContent = `the traces cannot be read: ${error}`; },
    );
  }
})();
