"""Storybook, the embedded network: drawn pets whose age is a parameter, real faces, and the training on both."""
