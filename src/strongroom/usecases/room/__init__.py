"""The reading room: what people look at and read, without ever being shown what is damaged, withheld or not theirs to see."""
