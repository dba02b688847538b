"""The transparency log as pure functions: what a record is, how records make a tree, how a head is signed.

leaf.py (one event) -> tree.py (RFC 6962 hashes and proofs) -> tiles.py (the tree as files) -> checkpoint.py (the signed
head) -> proof.py (one record's proof as a text file). Storage is the caller's: the tree asks for hashes, nothing else.
"""
