"""The methods lab: generative methods from GAN (2014) to StyleGAN2-ADA (2020), side by side on the same pets."""
