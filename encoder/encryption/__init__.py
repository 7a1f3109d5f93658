"""Which keys a title's renditions get, and where they come from: a key file, or a key server."""
