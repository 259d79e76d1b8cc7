// One result: play, look, download.

const MOST = 8;
let playing = null;

/** Puts a result on top of the others; the oldest make room. */
export async function showResult(result, text, voice) {
  const card = document.getElementById("result").content.cloneNode(true).firstElementChild;
  const find = (selector) => card.querySelector(selector);
  const sound = blob(result.audio, result.media_type);
  const address = URL.createObjectURL(sound);
  const picture = URL.createObjectURL(blob(result.mel_png, "image/png"));
  const samples = await decode(sound);

  find("h3").textContent = text.length > 140 ? `${text.slice(0, 139)}…` : text;
  find(".mel").src = picture;
  find(".facts p").textContent = facts(result, voice);
  find(".download").href = address;
  find(".download").download = `${nameFor(text)}.${result.format === "opus" ? "ogg" : result.format}`;
  if (result.left_out.length) {
    find(".left-out").hidden = false;
    const named = result.left_out.map((each) => `${each.character} (${each.name.toLowerCase()})`);
    find(".left-out").textContent = `Left out, since it cannot be spoken: ${named.join(", ")}`;
  }

  const audio = new Audio(address);
  connect(audio, find(".play"), find(".wave input"), find(".wave canvas"), samples);
  const list = document.getElementById("results");
  list.prepend(card);
  card.forget = () => {
    audio.pause();
    [address, picture].forEach(URL.revokeObjectURL);
    card.remove();
  };
  while (list.children.length > MOST) list.lastElementChild.forget();
  document.getElementById("nothing").hidden = true;
  find(".play").focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function connect(audio, button, place, canvas, samples) {
  const draw = () => drawWave(canvas, samples, audio.duration ? audio.currentTime / audio.duration : 0);
  const tick = () => {
    place.value = audio.duration ? audio.currentTime / audio.duration : 0;
    place.setAttribute("aria-valuetext", `${audio.currentTime.toFixed(1)} of ${(audio.duration || 0).toFixed(1)} seconds`);
    draw();
    if (!audio.paused) requestAnimationFrame(tick);
  };
  const label = () => {
    button.textContent = audio.paused ? "▶" : "❚❚";
    button.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
    tick();
  };
  for (const event of ["play", "pause", "ended", "loadedmetadata", "seeked"]) audio.addEventListener(event, label);
  audio.addEventListener("play", () => {
    if (playing && playing !== audio) playing.pause();
    playing = audio;
  });
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  place.addEventListener("input", () => {
    if (audio.duration) audio.currentTime = place.value * audio.duration;
  });
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

/** The highest sample of each of `count` parts, the highest of all being 1. */
function peaks(samples, count) {
  const found = new Float32Array(count);
  for (let i = 0; i < samples.length; i++) {
    const bar = Math.floor((i * count) / samples.length);
    found[bar] = Math.max(found[bar], Math.abs(samples[i]));
  }
  const highest = Math.max(...found, 1e-6);
  return found.map((peak) => peak / highest);
}

/** Bars; those before `done` (0..1) in the accent color. */
function drawWave(canvas, samples, done) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  if (!width || !height) return;
  Object.assign(canvas, { width, height });
  const style = getComputedStyle(canvas);
  const pen = canvas.getContext("2d");
  const step = 3 * scale;
  const count = Math.floor(width / step);
  if (canvas.peaks?.length !== count) canvas.peaks = peaks(samples, count);
  canvas.peaks.forEach((peak, bar) => {
    const tall = Math.max(scale, peak * height * 0.95);
    pen.fillStyle = style.getPropertyValue(bar / count < done ? "--accent" : "--quiet");
    pen.fillRect(bar * step, (height - tall) / 2, 2 * scale, tall);
  });
}

async function decode(sound) {
  const context = new OfflineAudioContext(1, 1, 48000);
  return (await context.decodeAudioData(await sound.arrayBuffer())).getChannelData(0);
}

function facts(result, voice) {
  const { waited, synthesizer, vocoder } = result.timings;
  const work = (synthesizer + vocoder).toFixed(1);
  const pause = waited >= 0.5 ? `, waited ${waited.toFixed(1)} s` : "";
  return `${voice}: ${result.seconds.toFixed(1)} s of speech, made in ${work} s${pause}. Seed ${result.seed}.`;
}

const blob = (base64, type) => new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type });

const nameFor = (text) => text.toLowerCase().match(/[a-z0-9]+/g)?.slice(0, 5).join("-") ?? "speech";
