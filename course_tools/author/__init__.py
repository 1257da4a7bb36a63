"""What builds, checks and publishes the course: notebooks, student versions, ledger, README, site, licences."""
