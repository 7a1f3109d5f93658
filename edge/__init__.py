"""The edge: an HTTP shared cache (RFC 9110, 9111, 9112) in front of an origin or of another edge."""
