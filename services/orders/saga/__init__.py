"""What an order does by itself: pure rules, no I/O, no clock.

    order = hearing.payment(order, payment, "", now)     # or a person's command, or the clock
    order = steps.settle(order, now)                     # what follows: a new state, steps to be done
    ...                                                  # stored, on the condition that nobody was faster
    answer = ...                                         # a step is done by whoever has the connections
    order = answers.take(order, step.id, answer, now)    # and what came of it leads on

Every step stands in the order's document before it is done. Whoever does it may die before it, after it, or before
storing what came of it, and two may be at it at once: so each can be asked again (the same key, or the same words), and
every state leads on, by what came or by the clock. docs/orders.md tells it to people.
"""
