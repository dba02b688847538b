"""The regulator's desk: search the log, one contract's story, the evidence bundle."""
