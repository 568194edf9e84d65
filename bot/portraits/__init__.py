"""The product: what an owner can do with a photo of a pet. Imports no messenger."""
