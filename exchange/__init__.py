"""Who may do what, and the doors: Flask, SQLModel, marshmallow, Authlib. Signing and trial rules live elsewhere."""
