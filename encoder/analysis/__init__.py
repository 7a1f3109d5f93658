"""Per-title analysis: a look at the whole source, a few short probes, and from them the ladder that suits it.

`scout` (one cheap encode of the whole title) says where it is hard and where it cuts; `probes` picks short
windows by that and encodes them at several sizes and qualities; `curves` and `rungs` turn what they gave into
a ladder on the hull of rate and VMAF. After Netflix's per-title encoding (Aaron et al., 2015) and dynamic
optimizer (Katsavounidis, 2018).
"""
