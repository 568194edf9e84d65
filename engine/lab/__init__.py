"""Training and evaluation. No module that runs in the product imports this package."""
