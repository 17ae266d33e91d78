"""gRPC servers of every service: roles checked, errors mapped, requests counted, health and reflection.

A servicer is a plain class with a method per RPC, `def GetMe(self, request, call) -> reply` (async in `kit.rpc.aio`).
A method whose RPC declares no roles, or that is missing, stops the server from starting.
"""
