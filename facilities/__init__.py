"""Facilities, instruments, techniques, operating plans."""
