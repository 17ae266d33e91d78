"""What is printed for a stall: its code as a stand or a sticker, and which issue of it is in force."""
