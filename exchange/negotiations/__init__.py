"""From a request to a signed contract, and the contract's life after that."""
