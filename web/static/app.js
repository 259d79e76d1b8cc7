// The page: choose or record a voice, type a text, hear it.
import { KeyNeeded, clone, deleteVoice, keepVoice, listVoices } from "/static/api.js";
import { record } from "/static/microphone.js";
import { showResult } from "/static/result.js";

const LONGEST_RECORDING = 60; // seconds
const MOST_BYTES = 20_000_000;
const part = (id) => document.getElementById(id);
let recordings = []; // the files of the new voice
let recorder = null;
let work = null; // what Stop stops

// ---- what is said to the user ----

function say(status) {
  part("status").textContent = status;
  part("error").hidden = true;
}

function complain(error) {
  say("");
  if (error.name === "AbortError") return say("Stopped.");
  if (error instanceof KeyNeeded) part("key-box").hidden = false;
  part("error").textContent = error.message;
  part("error").hidden = false;
  part("error").scrollIntoView({ block: "nearest" });
}

/** Runs an action; whatever goes wrong is said in a sentence. */
const trying = (action) => async (event) => {
  try {
    await action(event);
  } catch (error) {
    complain(error);
  }
};

// ---- voices ----

async function showVoices(chosen) {
  const voices = await listVoices();
  part("voices").replaceChildren(...voices.map(voiceRow));
  const wanted = chosen ?? voices[0].name;
  const radios = [...document.querySelectorAll("input[name=voice]")];
  (radios.find((radio) => radio.value === wanted) ?? radios[0]).checked = true;
  showNew();
}

function voiceRow(voice) {
  const row = document.createElement("div");
  row.className = "voice";
  const label = row.appendChild(document.createElement("label"));
  const radio = label.appendChild(document.createElement("input"));
  Object.assign(radio, { type: "radio", name: "voice", value: voice.name });
  label.appendChild(document.createElement("span")).textContent = voice.name + (voice.bundled ? " (comes with Timbre)" : "");
  if (!voice.bundled) {
    const remove = row.appendChild(document.createElement("button"));
    remove.type = "button";
    remove.textContent = "Delete";
    remove.setAttribute("aria-label", `Delete the voice ${voice.name}`);
    remove.addEventListener("click", trying(async () => {
      if (!confirm(`Delete the voice ${voice.name}?`)) return;
      await deleteVoice(voice.id);
      await showVoices();
      say(`${voice.name} is deleted.`);
      part("new-voice").focus();
    }));
  }
  return row;
}

const chosenVoice = () => document.querySelector("input[name=voice]:checked")?.value ?? "";

const showNew = () => (part("new").hidden = !part("new-voice").checked);

// ---- a new voice ----

function choose(files, name) {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (!files.length) return;
  if (bytes > MOST_BYTES) {
    throw new Error(`The recording has ${(bytes / 1e6).toFixed(0)} MB; at most ${MOST_BYTES / 1e6} MB are taken. Cut a piece out of it.`);
  }
  recordings = files;
  URL.revokeObjectURL(part("preview").src);
  part("preview").src = URL.createObjectURL(files[0]);
  part("chosen-name").textContent = name;
  part("chosen").hidden = false;
  part("consent").checked = false; // consent is given anew for each recording
  say("The recording is chosen. Tick the box below it if you may use this voice.");
}

function forget() {
  recordings = [];
  part("chosen").hidden = true;
  part("consent").checked = false;
  part("file").value = part("name").value = "";
}

function newVoiceForm() {
  if (recorder) throw new Error("The recording still runs. Stop it first.");
  if (!recordings.length) throw new Error("Choose a recording first, or record one.");
  if (!part("consent").checked) throw new Error("Tick the box: a voice may be cloned only with its owner's leave.");
  const form = new FormData();
  recordings.forEach((file) => form.append("recording", file));
  form.append("consent", "true");
  return form;
}

async function startOrStop() {
  const button = part("record");
  if (recorder) {
    clearInterval(recorder.clock);
    const current = recorder;
    recorder = null;
    button.classList.remove("on");
    button.textContent = "Record again";
    const wav = await current.stop();
    return choose([new File([wav], "recording.wav", { type: "audio/wav" })], "Your recording");
  }
  button.disabled = true;
  try {
    recorder = await record((level) => (part("level").value = level));
  } finally {
    button.disabled = false;
  }
  const began = Date.now();
  const count = () => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    button.textContent = `Stop (${seconds} s)`;
    if (seconds >= LONGEST_RECORDING - 1) trying(startOrStop)();
  };
  recorder.clock = setInterval(count, 500);
  button.classList.add("on");
  count();
  say("Recording. Read a sentence or two aloud, then press Stop.");
}

async function keep() {
  const form = newVoiceForm();
  const name = part("name").value.trim();
  if (!name) {
    part("name").focus();
    throw new Error("Give the voice a name to keep it under.");
  }
  form.append("name", name);
  say("Making the voice …");
  const voice = await keepVoice(form);
  forget();
  await showVoices(voice.name);
  say(`${voice.name} is kept. Choose it whenever you like.`);
}

// ---- speaking ----

async function speak(event) {
  event.preventDefault();
  if (work) return;
  const text = part("text").value.trim();
  const voice = chosenVoice();
  const form = voice ? new FormData() : newVoiceForm();
  if (voice) form.append("voice", voice);
  if (!text) {
    part("text").focus();
    throw new Error("Type what the voice shall say.");
  }
  form.append("text", text);
  form.append("mel", "true");
  form.append("format", part("format").value);
  if (part("seed").value) form.append("seed", part("seed").value);

  work = new AbortController();
  busy(true);
  say("Listening to the voice …");
  try {
    const result = await clone(form, work.signal, progress);
    await showResult(result, text, voice || "New voice");
    say(`Done: ${result.seconds.toFixed(1)} seconds of speech.`);
  } finally {
    work = null;
    busy(false);
  }
}

function progress(done, of) {
  if (done || of > 1) Object.assign(part("progress"), { max: of, value: done });
  say(of > 1 ? `Speaking: ${done} of ${of} sentences …` : "Speaking …");
}

function busy(is) {
  part("speak").disabled = part("keep").disabled = is;
  part("stop").hidden = part("progress").hidden = !is;
  part("progress").removeAttribute("value");
}

function count() {
  const field = part("text");
  part("count").textContent = `${field.value.length} of ${field.maxLength} characters`;
  part("count").classList.toggle("full", field.value.length >= field.maxLength);
}

// ---- wiring ----

part("form").addEventListener("submit", trying(speak));
part("form").addEventListener("change", (event) => event.target.name === "voice" && showNew());
part("stop").addEventListener("click", () => work?.abort());
part("text").addEventListener("input", count);
part("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part("form").requestSubmit();
});
part("record").addEventListener("click", trying(startOrStop));
part("keep").addEventListener("click", trying(keep));
part("name").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // or the form would speak
  trying(keep)();
});
part("file").addEventListener("change", trying(() => {
  const files = [...part("file").files];
  choose(files, files.map((file) => file.name).join(", "));
}));
part("use-key").addEventListener("click", trying(async () => {
  sessionStorage.setItem("key", part("key").value.trim());
  await showVoices();
  part("key-box").hidden = true;
  say("The key is right.");
}));

for (const event of ["dragenter", "dragover", "dragleave", "drop"]) {
  part("drop").addEventListener(event, (happened) => {
    happened.preventDefault();
    part("drop").classList.toggle("over", event === "dragenter" || event === "dragover");
  });
}
part("drop").addEventListener("drop", trying(({ dataTransfer }) => {
  const files = [...dataTransfer.files];
  choose(files, files.map((file) => file.name).join(", "));
}));

count();
trying(showVoices)();
