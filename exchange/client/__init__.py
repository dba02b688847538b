"""The member's side of the ``minhbach`` command: speaks to an exchange over its JSON API, and trusts it as little.

Private keys stay in files here. What is signed is read, shown and compared here; proofs are checked here.
"""
