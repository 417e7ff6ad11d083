"""Pages of rounds, requests and bookings."""
