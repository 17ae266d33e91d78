// That one line is in a window's report, and the report in what was signed: fetched here, checked here.

import { ApiError, get, send } from "../shared/api.js";
import { button, field, h, show, tell } from "../shared/dom.js";
import { head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { inTree, signed } from "./verify.js";

// A report of a million lines, over a line of 10 Mbit/s.
const READ_MS_MAX = 180_000;

/** `asked`: a payment, a transfer, or the number of a line (from 1, as an editor counts). */
export async function screen(place, number, institution, asked = "") {
  const result = h("div", { id: "proof", class: "stack" });
  const wanted = field(t("proof.which"), { id: "which", value: asked, maxlength: 40, required: true }, t("proof.which.hint"));
  const form = h("form", { class: "card stack" }, wanted, h("button", { class: "main" }, t("proof")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    submit.disabled = true;
    show(result, h("p", { class: "soft" }, t("proof.looks")));
    try {
      await prove(result, number, institution, wanted.querySelector("input").value.trim());
    } catch (error) {
      show(result, refused(error));
    } finally {
      submit.disabled = false;
    }
  });
  show(place, head(t("proof")), h("p", { class: "number" }, `№ ${number} · ${institution}`), h("p", { class: "soft" }, t("proof.hint")), form, result);
  if (asked) form.requestSubmit();
  return null;
}

async function prove(place, number, institution, asked) {
  const files = `/v1/windows/${number}/files/${institution}`;
  // First, for it says who may not, and renews a session that is over.
  const { chain_head: chain } = await get(`/v1/windows/${number}/positions`);
  const line = /^\d{1,9}$/.test(asked) ? Number(asked) : await lineOf(`${files}/report.csv`, asked);
  if (!line) {
    show(place, h("p", { class: "banner refused", role: "alert" }, t("proof.none", { asked })));
    return;
  }
  const [proof, manifest, { keys }] = await Promise.all([
    get(`/v1/windows/${number}/proofs/${institution}/${line}`), get(`${files}/manifest.json`), get("/v1/trust/keys")]);
  const said = await signed(manifest.jws, "manifest+jws", keys);
  // Root and number of lines are the signed manifest's, never the proof's.
  const steps = [
    [t("proof.signed"), said !== null],
    [t("proof.window"), said?.window === Number(number) && said.institution === institution && said.chain_head === chain],
    [t("proof.report"), said?.report?.file === proof.file],
    [t("proof.line", { line, lines: said?.report?.lines ?? 0, hashes: proof.siblings.length }),
      proof.index === line - 1 && await inTree(proof, said?.report?.root, said?.report?.lines)],
  ];
  const good = steps.every(([, held]) => held);
  const verdict = t(good ? "proof.good" : "proof.bad");
  tell(verdict, !good);
  show(place,
    h("p", { class: `banner ${good ? "here" : "refused"}`, role: good ? false : "alert" }, verdict),
    h("pre", { class: "wraps", tabindex: "0" }, proof.line),
    h("ol", { class: "checks" }, steps.map(([what, held]) => h("li", { class: held ? "good" : "bad" },
      h("span", { "aria-hidden": true }, held ? "✓" : "✗"), h("span", {}, what, h("span", { class: "hidden" }, ` ${t(held ? "proof.held" : "proof.not-held")}`))))),
    h("dl", { class: "facts" },
      fact(t("chain-head"), chain), fact(t("proof.root"), said?.report?.root ?? "—")),
    button(t("proof.download"), () => save(`proof.W${number}-${institution}-${line}.json`, proof)),
    h("ul", { class: "links" }, h("li", {}, h("a", { href: `${files}/manifest.json`, download: `W${number}-${institution}-manifest.json` }, "manifest.json"))),
    h("p", { class: "soft small" }, t("proof.again"), " ", h("code", {}, `python check_proof.py proof.json ${said?.report?.root ?? ""} ${said?.report?.lines ?? ""}`)));
}

const fact = (name, value) => h("div", {}, h("dt", { class: "soft" }, name), h("dd", {}, h("code", {}, value)));

/** The first line of a report that names a payment or a transfer, from 1; 0 where none does. Read until it is found. */
async function lineOf(path, asked) {
  const reply = await send("GET", path, undefined, {}, AbortSignal.timeout(READ_MS_MAX));
  if (!reply.ok) throw new ApiError("UNAVAILABLE", "", reply.status);
  let [number, rest] = [0, ""];
  for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\r\n");
    rest = lines.pop();
    for (const line of lines) {
      number += 1;
      if (line.split(",").includes(asked)) return number;
    }
  }
  return 0;
}

function save(name, said) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(said, null, 2)}\n`], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
