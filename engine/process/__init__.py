"""Brings requests from the client over a socket to the scheduler of jobs, and answers back. Imports no torch."""
