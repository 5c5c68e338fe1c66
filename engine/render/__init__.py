"""torch and diffusers: batches to pixels. Nothing else in the engine imports them."""
