"""What people upload: whether it is a photo, whether malware is in it, and where it lies."""
