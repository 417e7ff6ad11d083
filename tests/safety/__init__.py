"""What must never be shown, done or broken, asked of every page at once."""
