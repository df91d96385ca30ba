"""Whether what guards a host against guessed passwords does so, and whom it would have shut out."""
