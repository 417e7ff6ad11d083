"""Tests of Equora."""
