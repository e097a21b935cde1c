"""What rules are measured against: no exit, fixed budgets, hindsight."""
