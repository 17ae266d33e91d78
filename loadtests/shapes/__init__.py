"""How many people are at the market, second by second: shapes of the calendar's days, compressed into a run."""
