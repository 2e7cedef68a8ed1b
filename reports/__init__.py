"""What people look at: the failure-risk report and fleet analytics."""
