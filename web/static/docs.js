// /openapi.json for people: each operation, what it takes, what it answers.

const description = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = description.info.description;

function make(tag, text = "", ...children) {
  const element = document.createElement(tag);
  element.textContent = text;
  element.append(...children);
  return element;
}

const resolve = (schema = {}) =>
  schema.$ref ? schema.$ref.split("/").slice(1).reduce((at, key) => at[key], description) : schema;

function kind(schema) {
  const found = resolve(schema);
  if (found.anyOf) return [...new Set(found.anyOf.map(kind))].filter((each) => each !== "null").join(" or ");
  if (found.enum) return found.enum.join(", ");
  if (found.const !== undefined) return String(found.const);
  if (found.type === "array") return `list of ${kind(found.items)}`;
  if (found.format === "binary" || found.contentMediaType) return "file";
  return found.type ?? "";
}

function row(name, schema, needed, text) {
  const standard = resolve(schema).default ?? schema.default;
  const usual = standard === undefined || standard === null ? "" : ` (usually ${standard})`;
  return make("tr", "", make("td", "", make("code", name)), make("td", kind(schema)),
    make("td", `${text ?? schema.description ?? ""}${usual}${needed ? " Needed." : ""}`));
}

function table(title, rows) {
  if (!rows.length) return "";
  return make("div", "", make("h3", title), make("table", "", make("tbody", "", ...rows)));
}

function operation(method, path, about) {
  const [type, body] = Object.entries(about.requestBody?.content ?? {})[0] ?? [];
  const form = resolve(body?.schema);
  const takes = (about.parameters ?? []).map((each) => row(each.name, each.schema, each.required, each.description));
  takes.push(...Object.entries(form.properties ?? {}).map(([name, schema]) => row(name, schema, form.required?.includes(name))));
  const answers = Object.entries(about.responses).map(([status, answer]) =>
    make("tr", "", make("td", "", make("code", status)), make("td", answer.description),
      make("td", Object.keys(answer.content ?? {}).join(", "))));
  const section = make("section", "", make("h2", "", make("code", `${method.toUpperCase()} ${path}`)), make("p", about.summary),
    table(type ? `Takes (${type})` : "Takes", takes), table("Answers", answers));
  section.className = "card operation";
  return section;
}

document.getElementById("operations").append(...Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, about]) => operation(method, path, about))));
