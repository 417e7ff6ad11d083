"""What may be done with rounds, requests and bookings; one file per noun, plain Python."""
