"""Facts of somebody's stream, gathered without I/O, for the rules of `media.rules` to judge."""
