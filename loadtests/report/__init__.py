"""What a run leaves behind: a signed certificate, and a page with plots."""
