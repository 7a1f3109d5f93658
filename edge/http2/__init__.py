"""HTTP/2 (RFC 9113): frames, HPACK, streams, and the connection that serves them."""
