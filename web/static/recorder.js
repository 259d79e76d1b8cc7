// Runs in the browser's audio thread: hands over what the microphone hears, in pieces of about a tenth of a second.
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(4096);
    this.filled = 0;
  }

  process([[channel]]) {
    if (!channel) return true;
    if (this.filled + channel.length > this.piece.length) {
      this.port.postMessage(this.piece.slice(0, this.filled));
      this.filled = 0;
    }
    this.piece.set(channel, this.filled);
    this.filled += channel.length;
    return true;
  }
}

registerProcessor("recorder", Recorder);
