"""The pure core: values and grammars. Takes and returns values, opens nothing."""
