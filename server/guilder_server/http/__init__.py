"""HTTP: from a request to a call of a handler, and from what it gives back to an answer.

Knows the contract and no capability; what it needs from one is a Protocol.
"""
