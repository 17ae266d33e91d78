"""What the markets are paid, minute by minute: today against the day that is like it, for the operations centre."""
