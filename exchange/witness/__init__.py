"""A witness of transparency logs (C2SP tlog-witness): the regulator's own program, alone with its folder.

It sees sizes and hashes, never a record, and imports nothing of the exchange's tables.
"""
