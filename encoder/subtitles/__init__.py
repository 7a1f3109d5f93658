"""Subtitles: SRT, ASS, WebVTT and TTML, from files and from tracks of the source, as segmented WebVTT."""
