"""The books as an auditor reads them: chart of accounts, trial balance, verification, archive of closed months."""
