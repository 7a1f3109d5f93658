"""What every service stands on: configuration, logging, metrics, uvloop and signals."""
