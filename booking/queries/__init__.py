"""Every question asked of rounds, requests, plans and the ledger."""
