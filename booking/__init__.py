"""Rounds, requests, reviews, plans, the booking ledger."""
