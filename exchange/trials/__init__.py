"""The controlled trial in the exchange: certificate, enrolment, test rooms, budgets."""
