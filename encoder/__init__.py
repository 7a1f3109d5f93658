"""The encoder: one source video into one set of CMAF segments, in a library, for HLS and DASH."""
