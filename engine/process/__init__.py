"""How a request travels: the client, the socket, the scheduler of jobs, and the cache. Imports no torch by itself."""
