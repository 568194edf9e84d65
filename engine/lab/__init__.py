"""Training and evaluation of the networks. No module that runs in the product imports this package.

`engine.lab.evaluation` and `engine.lab.drawn_pets` are installed, because `throwback bench` uses them; what trains is
in the repository alone.
"""
