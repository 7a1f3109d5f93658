"""Several processes as one edge."""
