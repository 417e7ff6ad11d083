"""Tests of the allocation core."""
