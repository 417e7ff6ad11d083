"""The verbs of rounds, requests, plans and the ledger."""
