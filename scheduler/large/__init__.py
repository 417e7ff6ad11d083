"""Allocation at the size of a network: relaxation and bounds, a board of bits, and a search over both."""
