"""The nouns of adaptive video and their manifests, shared by encoder, origin and player: no I/O here."""
