// The service's API. Every failure is thrown as an Error whose message is a sentence for people.

export class KeyNeeded extends Error {}

export const listVoices = async () => (await (await ask("/v1/voices")).json()).data;

export const deleteVoice = (id) => ask(`/v1/voices/${encodeURIComponent(id)}`, { method: "DELETE" });

export const keepVoice = async (form) => (await ask("/v1/voices", { method: "POST", body: form })).json();

/** Clones; onProgress(done, of) is called after each sentence. */
export async function clone(form, signal, onProgress) {
  const headers = { Accept: "application/x-ndjson" };
  const answer = await ask("/api/clone", { method: "POST", body: form, headers, signal });
  for await (const line of lines(answer.body)) {
    const content = JSON.parse(line);
    if (content.error) throw new Error(sentence(content.error.message));
    if (content.result) return content.result;
    onProgress(content.done, content.of);
  }
  throw new Error("The service stopped before it was done. Try again.");
}

async function ask(path, options = {}) {
  const key = sessionStorage.getItem("key");
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached. Is it still running?");
  }
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => null);
  const said = sentence(content?.error?.message ?? `the service answered with status ${answer.status}`);
  throw answer.status === 401 ? new KeyNeeded(said) : new Error(said);
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

const sentence = (message) => message.charAt(0).toUpperCase() + message.slice(1).replace(/[.]?$/, ".");
