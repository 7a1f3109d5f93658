"""The origin: an HTTP server over a library of published titles."""
