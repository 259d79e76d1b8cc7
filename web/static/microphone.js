// The microphone as a wav file: plain samples, so that every server can open it.

/** Starts recording. onLevel(0..1) is called about ten times a second. Returns {stop(): Promise<Blob>}. */
export async function record(onLevel) {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) {
    throw new Error("This browser lets pages record only over https, or on localhost. Choose a file instead.");
  }
  const stream = await openMicrophone();
  const context = new AudioContext();
  await context.audioWorklet.addModule("/static/recorder.js");
  const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const pieces = [];
  node.port.onmessage = ({ data }) => {
    pieces.push(data);
    onLevel(levelOf(data));
  };
  context.createMediaStreamSource(stream).connect(node);
  await context.resume();
  return {
    async stop() {
      stream.getTracks().forEach((track) => track.stop());
      await context.close();
      onLevel(0);
      return wav(pieces, context.sampleRate);
    },
  };
}

async function openMicrophone() {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false } });
  } catch (error) {
    const why = {
      NotAllowedError: "The microphone may not be used: allow it in the browser's settings, or choose a file.",
      NotFoundError: "No microphone was found. Plug one in, or choose a file.",
    };
    throw new Error(why[error.name] ?? "The microphone cannot be opened. Choose a file instead.");
  }
}

/** Loudness of samples on a meter: -60 dB of full scale is 0, full scale is 1. */
function levelOf(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(power + 1e-12)) / 60));
}

/** 16-bit mono. */
function wav(pieces, rate) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * length));
  const letters = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  letters(0, "RIFF");
  view.setUint32(4, 36 + 2 * length, true);
  letters(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  letters(36, "data");
  view.setUint32(40, 2 * length, true);
  let at = 44;
  for (const piece of pieces) {
    for (const sample of piece) {
      view.setInt16(at, Math.round(Math.min(1, Math.max(-1, sample)) * 32767), true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}
