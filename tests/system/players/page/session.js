// One session of one player, as the tests drive and read it: `window.session`.
const video = document.querySelector("video");

window.session = {
  face: null,
  failures: [],
  widths: [], // of the picture, each time it changes
  async open(name, url, codec, keys) {
    this.face = FACES[name];
    video.addEventListener("resize", () => this.widths.push(video.videoWidth));
    video.addEventListener("error", () => this.failures.push(`video element: ${video.error.message}`));
    const failed = (why) => this.failures.push(why);
    try {
      await this.face.open(video, url, codec, keys, failed);
    } catch (error) {
      failed(String(error.message ?? error));
    }
  },
  play(rate) {
    video.playbackRate = rate;
    return video.play();
  },
  playFrom(time) {
    video.currentTime = time;
    return this.play(1);
  },
  state() {
    return {
      failures: this.failures,
      ended: video.ended,
      position_s: video.currentTime,
      duration_s: video.duration,
      width: video.videoWidth,
      widths: this.widths,
      played: ranges(video.played),
      buffered: ranges(video.buffered),
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      chosen: this.face.chosen(),
      rungs: this.face.rungs(),
      sounds: this.face.sounds(),
      texts: this.face.texts(),
    };
  },
  /** The texts that are on the screen. */
  cues() {
    const shown = [...video.textTracks].filter(({ mode }) => mode === "showing");
    return shown.flatMap(({ activeCues }) => [...(activeCues ?? [])].map(({ text }) => text));
  },
  /** Whether what is on the screen is the word and the second that it is. */
  shows(word) {
    return !video.seeking && this.cues().join() === `${word} ${Math.floor(video.currentTime)}`;
  },
  /** The loudest frequency in what is heard, in Hz. */
  tone_hz() {
    this.analyser ??= listen();
    const bins = new Uint8Array(this.analyser.frequencyBinCount);
    this.analyser.getByteFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return (loudest * this.analyser.context.sampleRate) / this.analyser.fftSize;
  },
  /** Where the thumbnail of that time lies, and the size of the picture that it lies in. */
  async thumbnail(time) {
    const found = await this.face.thumbnail(time);
    if (!found) return null;
    const sheet = new Image();
    sheet.src = found.url;
    await sheet.decode();
    return { ...found, sheetWidth: sheet.naturalWidth, sheetHeight: sheet.naturalHeight };
  },
};

function ranges(list) {
  return Array.from(list, (_, i) => [list.start(i), list.end(i)]);
}

function listen() {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 8192 });
  context.createMediaElementSource(video).connect(analyser).connect(context.destination);
  context.resume();
  return analyser;
}
