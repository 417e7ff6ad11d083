"""The shape of what pages send."""
