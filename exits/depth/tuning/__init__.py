"""What is learnt or chosen before exits pay: heads, losses, plans, roll-outs."""
