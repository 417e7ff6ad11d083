"""The task engine."""
