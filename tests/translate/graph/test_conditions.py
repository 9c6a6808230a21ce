"""Findings as sentences."""

from proxy.translate.graph.conditions import advice, sentence, unsupported_value


def test_a_finding_says_where_what_and_what_to_do() -> None:
    assert str(unsupported_value("spec.x", "7 is odd", "use 8")) == "spec.x: 7 is odd (use 8)"
    assert str(advice("", "nothing")) == "nothing"


def test_a_condition_lists_five_and_counts_the_rest() -> None:
    findings = [advice(f"f{i}", "bad") for i in range(7)]
    assert sentence(findings) == "f0: bad; f1: bad; f2: bad; f3: bad; f4: bad; and 2 more"
    assert sentence(findings[:2]) == "f0: bad; f1: bad"
