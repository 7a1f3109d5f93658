"""The disk tier: files with checksums, a journal, and an index in memory."""
