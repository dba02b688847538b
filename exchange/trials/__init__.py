"""The controlled trial in the exchange: certificate, enrolment, reports, incidents, its rules."""
