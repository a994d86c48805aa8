"""Pure JAX: arrays in, arrays out; no files, ASE, torch or printing."""
