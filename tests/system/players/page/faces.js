// hls.js, dash.js and Shaka Player behind one face each. All choose what they are told to, by no rule of their own:
// open(video, url, codec, keys), choose(height), rungs(), hear(language), sounds(), read(language), texts(),
// thumbnail(time). `failed` is called with what goes wrong for good.

const hasCodec = (codecs, codec) => (codecs ?? "").startsWith(codec);
const byLanguage = (tracks, field, language) => tracks.find((track) => track[field] === language);

const hlsJs = {
  version: () => Hls.version,
  open(video, url, codec, keys, failed) {
    const config = { enableWorker: false, maxBufferLength: 10 };
    if (keys) {
      Object.assign(config, { emeEnabled: true, drmSystems: { "org.w3.clearkey": { licenseUrl: keys.license_url } } });
    }
    const hls = new Hls(config);
    this.hls = hls;
    this.codec = codec;
    hls.on(Hls.Events.ERROR, (_, error) => error.fatal && failed(`${error.details}: ${error.error?.message}`));
    const ready = new Promise((resolve) => hls.on(Hls.Events.MANIFEST_PARSED, resolve));
    hls.loadSource(url);
    hls.attachMedia(video);
    return ready;
  },
  choose(height) {
    const is = (level) => level.height === height && hasCodec(level.videoCodec, this.codec);
    this.hls.nextLevel = this.hls.levels.findIndex(is);
  },
  rungs() {
    return this.hls.levels.map(({ height, videoCodec }) => ({ height, codec: videoCodec }));
  },
  chosen() {
    const level = this.hls.levels[this.hls.currentLevel];
    return level && { height: level.height, codec: level.videoCodec };
  },
  sounds() {
    return this.hls.audioTracks.map(({ lang, audioCodec, channels }) => ({ lang, codec: audioCodec, channels }));
  },
  hear(language) {
    this.hls.audioTrack = this.hls.audioTracks.findIndex(({ lang }) => lang === language);
  },
  texts() {
    return this.hls.subtitleTracks.map(({ lang }) => lang);
  },
  read(language) {
    this.hls.subtitleTrack = this.hls.subtitleTracks.findIndex(({ lang }) => lang === language);
  },
};

const dashJs = {
  version: () => dashjs.Version ?? dashjs.MediaPlayer().create().getVersion(),
  open(video, url, codec, _keys, failed) {
    // Where licences are it finds in the manifest.
    const player = dashjs.MediaPlayer().create();
    this.player = player;
    player.updateSettings({
      streaming: {
        abr: { autoSwitchBitrate: { video: false, audio: false } },
        buffer: { bufferToKeep: 60, bufferTimeDefault: 10, bufferTimeAtTopQuality: 10, fastSwitchEnabled: true },
        // What it keeps in local storage would make one session depend on the one before.
        lastBitrateCachingInfo: { enabled: false },
        lastMediaSettingsCachingInfo: { enabled: false },
      },
    });
    player.setCustomInitialTrackSelectionFunction((tracks) => {
      const wanted = tracks.filter((track) => track.codec?.includes(`codecs="${codec}`));
      return wanted.length ? wanted : tracks;
    });
    player.on("error", ({ error }) => failed(`${error.code}: ${error.message}`));
    const ready = new Promise((resolve) => player.on("streamInitialized", resolve));
    player.initialize(video, url, false);
    return ready;
  },
  choose(height) {
    const rung = this.player.getRepresentationsByType("video").find((each) => each.height === height);
    this.player.setRepresentationForTypeById("video", rung.id);
  },
  rungs() {
    return this.player.getRepresentationsByType("video").map(({ height, codecs }) => ({ height, codec: codecs }));
  },
  chosen() {
    const rung = this.player.getCurrentRepresentationForType("video");
    return rung && { height: rung.height, codec: rung.codecs };
  },
  sounds() {
    return this.player.getTracksFor("audio").map(({ lang, codec, audioChannelConfiguration }) => ({
      lang,
      codec: /codecs="([^"]*)"/.exec(codec)?.[1],
      channels: String(audioChannelConfiguration?.[0]?.value ?? ""),
    }));
  },
  hear(language) {
    this.player.setCurrentTrack(byLanguage(this.player.getTracksFor("audio"), "lang", language));
  },
  texts() {
    return this.player.getTracksFor("text").map(({ lang }) => lang);
  },
  read(language) {
    this.player.setTextTrack(this.texts().indexOf(language));
  },
  thumbnail(time) {
    return new Promise((resolve) => this.player.provideThumbnail(time, resolve));
  },
};

const shakaPlayer = {
  version: () => shaka.Player.version,
  async open(video, url, codec, keys, failed) {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    this.player = player;
    this.codec = codec;
    await player.attach(video);
    player.configure({
      abr: { enabled: false },
      preferredVideo: [{ codec }],
      preferredAudio: [{ language: "en", codec: "mp4a", channelCount: 2 }],
      streaming: { bufferingGoal: 10, bufferBehind: 60 },
    });
    if (keys) player.configure({ drm: { servers: { "org.w3.clearkey": keys.license_url } } });
    player.addEventListener("error", ({ detail }) => failed(`shaka ${detail.code}: ${detail.data}`));
    await player.load(url);
  },
  choose(height) {
    const is = (track) => track.height === height && hasCodec(track.codecs, this.codec);
    this.player.selectVideoTrack(this.player.getVideoTracks().find(is), true, 2);
  },
  rungs() {
    return this.player.getVideoTracks().map(({ height, codecs }) => ({ height, codec: codecs }));
  },
  chosen() {
    const track = this.player.getVideoTracks().find(({ active }) => active);
    return track && { height: track.height, codec: track.codecs };
  },
  sounds() {
    return this.player
      .getAudioTracks()
      .map(({ language, codecs, channelsCount }) => ({ lang: language, codec: codecs, channels: String(channelsCount) }));
  },
  hear(language) {
    this.player.selectAudioTrack(byLanguage(this.player.getAudioTracks(), "language", language), 2);
  },
  texts() {
    return this.player.getTextTracks().map(({ language }) => language);
  },
  read(language) {
    this.player.selectTextTrack(byLanguage(this.player.getTextTracks(), "language", language));
  },
  async thumbnail(time) {
    const [track] = this.player.getImageTracks();
    const found = track && (await this.player.getThumbnails(track.id, time));
    if (!found) return null;
    const { uris, positionX, positionY, width, height } = found;
    return { url: uris[0], x: positionX, y: positionY, width, height };
  },
};

window.FACES = { "hls.js": hlsJs, "dash.js": dashJs, Shaka: shakaPlayer };
