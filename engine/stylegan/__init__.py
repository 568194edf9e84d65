"""The StyleGAN2-ADA generator, its latent space, and the networks on disk."""
