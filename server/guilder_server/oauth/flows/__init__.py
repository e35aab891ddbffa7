"""The use cases of OAuth: clients, the tokens that they are given, and who a token stands for."""
