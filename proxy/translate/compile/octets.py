"""Text of resources as the octets that are matched and sent."""


def octets(text: str) -> bytes:
    """UTF-8. Total: YAML can spell lone surrogates, which then match no request there is."""
    return text.encode("utf-8", "surrogatepass")
