"""What every feature needs and nothing about booking."""
