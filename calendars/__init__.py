"""iCalendar: feeds and subscriptions."""
