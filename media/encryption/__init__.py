"""Encryption of CMAF segments, in values: AES-128 for HLS, `cenc` and `cbcs` (ISO/IEC 23001-7)."""
