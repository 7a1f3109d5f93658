"""Simulated players: one session core, played over real HTTP or in virtual time."""
