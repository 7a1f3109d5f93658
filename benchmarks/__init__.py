"""Benchmarks: each answers one question; tables and commands are kept in RESULTS.md."""
