// What a reader chose, kept behind the # of the page's address, so that a shared address opens the same view:
// `#?scores.best=FID&scores.loss=minimax`, or `#anchor?...`. It is never sent to a server. A choice makes no history
// entry, so that the back button leaves the page; an entry whose state says `chosen` has all choices in its address. A
// browser that refuses to change the address keeps the choice until it leaves.
"use strict";
(() => {
  const kept = new Map();  // "table.what" -> texts
  const encode = (text) => encodeURIComponent(text).replace(/%20/g, "+");
  const decode = (text) => { try { return decodeURIComponent(text.replace(/\+/g, " ")); } catch { return null; } };
  function split() {
    const hash = location.hash.slice(1), at = hash.indexOf("?");
    return at < 0 ? [hash, null] : [hash.slice(0, at), hash.slice(at + 1)];
  }
  function read() {  // whether the address says what is chosen
    const [, choices] = split();
    if (choices === null && !(history.state && history.state.chosen)) return false;
    kept.clear();
    for (const part of (choices || "").split("&")) {
      const at = part.indexOf("="), name = decode(part.slice(0, Math.max(0, at))), text = decode(part.slice(at + 1));
      if (name && text !== null) kept.set(name, [...(kept.get(name) || []), text]);
    }
    return true;
  }
  function write() {
    const [anchor] = split();
    const choices = [...kept].flatMap(([name, texts]) => texts.map((text) => `${encode(name)}=${encode(text)}`));
    const hash = choices.length ? `#${anchor}?${choices.join("&")}` : anchor ? `#${anchor}` : "";
    try { history.replaceState({ chosen: true }, "", location.pathname + location.search + hash); } catch { /* see above */ }
  }
  window.ganbench = {
    all: (where, what) => [...where.querySelectorAll(what)],
    make(name, attributes = {}, ...inside) {  // an element
      const made = document.createElement(name);
      for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
      made.append(...inside);
      return made;
    },
    chosen: (table, what) => kept.get(`${table.id}.${what}`) || [],
    choose(table, what, texts) {
      if (texts.length) kept.set(`${table.id}.${what}`, [...texts]);
      else kept.delete(`${table.id}.${what}`);
      write();
    },
  };
  addEventListener("hashchange", () => {  // a new anchor alone keeps what is chosen
    if (read()) document.dispatchEvent(new CustomEvent("ganbench:address"));
    write();
  });
  if (read()) {
    addEventListener("load", () => {
      const anchor = decode(split()[0]), place = anchor && document.getElementById(anchor);
      if (place) place.scrollIntoView();
    });
  }
  write();
})();
