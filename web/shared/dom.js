// Elements made by hand: h("p", {class: "big"}, "text"). What is a function is a listener, what is false is left out.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Shows `children` in `place` instead of what is there. */
export function show(place, ...children) {
  place.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

/** Says it to those who listen to the screen. */
export function tell(text, urgent = false) {
  const place = document.getElementById(urgent ? "said-now" : "said");
  if (!place) return;
  place.textContent = "";
  // A changed text is read out; the same one again is not.
  setTimeout(() => { place.textContent = text; }, 50);
}

/** A button that is off while its work goes on: a double tap does it once. */
export function button(label, work, attributes = {}) {
  const made = h("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", async () => {
    if (made.disabled) return;
    made.disabled = true;
    made.setAttribute("aria-busy", "true");
    try {
      await work();
    } finally {
      made.disabled = false;
      made.removeAttribute("aria-busy");
    }
  });
  return made;
}

/** A labelled field. `attributes` are the input's. */
export function field(label, attributes, hint = "") {
  const id = attributes.id;
  const input = h("input", { autocomplete: "off", ...attributes });
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), input,
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}
