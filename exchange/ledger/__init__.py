"""The transaction log over SQL: outbox, sequencer, proofs, HTTP interface."""
