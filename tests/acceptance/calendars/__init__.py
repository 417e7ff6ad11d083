"""Calendar programs as subscribers."""
