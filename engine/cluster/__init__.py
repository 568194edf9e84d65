"""The engine on Ray: many machines answer the requests that the engine process answers alone. Imports no torch.

The bot's client starts a gateway instead of an engine process, and speaks the same messages with it. The gateway hands
each request to a replica on the cluster; a replica is a small process that drives an engine process of its own through
the same client as the bot's. What happens when an engine crashes or hangs is thus decided where it always was; what
happens when a replica, a machine or the cluster is gone, here.
"""
