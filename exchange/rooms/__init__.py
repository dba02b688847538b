"""Test rooms: a buyer asks questions of data that may not leave; copies, policies, accounts, receipts, leak meter."""
