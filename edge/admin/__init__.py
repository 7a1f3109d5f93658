"""The admin plane: health, metrics, purge and its jobs, and why something is stored."""
