"""XBackend: the types and rules of its CRD. tests/cluster/test_xbackend.py asks an API server the same."""

import json

import pytest

from tests.resources.xbackend_objects import NAMED, REFUSED, SOUND, Spec, object_of
from tests.resources.yamlset import findings


@pytest.mark.parametrize("spec", [*SOUND.values(), NAMED], ids=[*SOUND, "a port with a name"])
def test_what_is_sound(spec: Spec) -> None:
    assert findings(json.dumps(object_of(spec))) == []


@pytest.mark.parametrize(("spec", "field"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(spec: Spec, field: str) -> None:
    [(found, message)] = findings(json.dumps(object_of(spec)))
    assert found.startswith(field)
    assert message
