"""The vocabulary: small frozen types, errors and the registry. numpy only."""
