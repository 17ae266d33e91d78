"""What `cho bench settlement` runs in processes of their own, so that each one's time and memory are its own."""
